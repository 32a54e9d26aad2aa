# Build: docker build -t proofwatch .      With more: --build-arg EXTRAS=postgres,dask,saml
# Run:   docker run --rm --read-only --tmpfs /tmp --cap-drop ALL -v proofwatch:/data proofwatch status
FROM python:3.11-slim AS build
ARG EXTRAS=postgres
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE CHANGELOG.md ./
COPY src src
RUN python -m venv /opt/proofwatch \
 && /opt/proofwatch/bin/pip install --no-cache-dir --constraint constraints.txt ".[${EXTRAS}]"

FROM python:3.11-slim
RUN groupadd --gid 10001 proofwatch \
 && useradd --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin proofwatch \
 && install --directory --owner 10001 --group 10001 --mode 700 /data
COPY --from=build /opt/proofwatch /opt/proofwatch
ENV PATH=/opt/proofwatch/bin:$PATH PROOFWATCH_HOME=/data PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A number, so that Kubernetes can see that it is not root. Only /data and /tmp are written.
USER 10001:10001
VOLUME /data
ENTRYPOINT ["proofwatch"]
CMD ["worker"]
