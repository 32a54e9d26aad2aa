# Build: docker build -t proofwatch .    Run: docker run --rm -v proofwatch:/data proofwatch status
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE CHANGELOG.md ./
COPY src src
RUN python -m venv /opt/proofwatch \
 && /opt/proofwatch/bin/pip install --no-cache-dir --constraint constraints.txt '.[postgres]'

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home proofwatch
COPY --from=build /opt/proofwatch /opt/proofwatch
ENV PATH=/opt/proofwatch/bin:$PATH PROOFWATCH_HOME=/data PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER proofwatch
VOLUME /data
ENTRYPOINT ["proofwatch"]
CMD ["worker"]
