{{- define "proofwatch.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "proofwatch" $name) -}}
{{- $name = printf "%s-proofwatch" $name -}}
{{- end -}}
{{- $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "proofwatch.image" -}}
{{ .Values.image.repository }}@{{ required "image.digest must be set, as sha256:…" .Values.image.digest }}
{{- end -}}

{{- define "proofwatch.selector" -}}
app.kubernetes.io/name: proofwatch
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "proofwatch.labels" -}}
{{ include "proofwatch.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "proofwatch.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "proofwatch.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "proofwatch.placement" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "proofwatch.env" -}}
- name: PROOFWATCH_CHECKS
  value: /shared/checks
- name: DATABASE_URL
  value: file:/run/secrets/database/DATABASE_URL
- name: PROOFWATCH_OBJECTS
  value: {{ .Values.objects.url | quote }}
{{- with .Values.objects.endpoint }}
- name: PROOFWATCH_OBJECTS_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with .Values.url }}
- name: PROOFWATCH_URL
  value: {{ . | quote }}
{{- end }}
{{- with .Values.organization }}
- name: PROOFWATCH_ORGANIZATION
  value: {{ . | quote }}
{{- end }}
{{- if .Values.metrics.existingSecret }}
- name: PROOFWATCH_METRICS_TOKEN
  value: file:/run/secrets/metrics/token
{{- end }}
- name: PROOFWATCH_EXECUTOR
{{- if .Values.dask.enabled }}
  value: {{ printf "tls://%s-dask:8786" (include "proofwatch.name" .) | quote }}
- name: PROOFWATCH_EXECUTOR_CA
  value: /run/secrets/dask/ca.crt
- name: PROOFWATCH_EXECUTOR_CERT
  value: /run/secrets/dask/tls.crt
- name: PROOFWATCH_EXECUTOR_KEY
  value: /run/secrets/dask/tls.key
- name: PROOFWATCH_EXCHANGE
  value: {{ .Values.dask.exchange | quote }}
{{- else }}
  value: {{ .Values.worker.executor | quote }}
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "proofwatch.mounts" -}}
- {name: home, mountPath: /data}
- {name: tmp, mountPath: /tmp}
- {name: shared, mountPath: /shared}
- {name: database, mountPath: /run/secrets/database, readOnly: true}
{{- if .Values.metrics.existingSecret }}
- {name: metrics, mountPath: /run/secrets/metrics, readOnly: true}
{{- end }}
{{- if .Values.dask.enabled }}
- {name: dask-tls, mountPath: /run/secrets/dask, readOnly: true}
{{- end }}
{{- end -}}

{{- define "proofwatch.volumes" -}}
- name: home
  emptyDir:
    sizeLimit: {{ .Values.worker.scratch }}
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
- name: shared
  persistentVolumeClaim:
    claimName: {{ .Values.shared.existingClaim | default (printf "%s-shared" (include "proofwatch.name" .)) }}
- name: keys
  secret:
    secretName: {{ .Values.keys.existingSecret }}
    defaultMode: 0440
- name: database
  secret:
    secretName: {{ .Values.database.existingSecret }}
    defaultMode: 0440
{{- if .Values.metrics.existingSecret }}
- name: metrics
  secret:
    secretName: {{ .Values.metrics.existingSecret }}
    defaultMode: 0440
{{- end }}
{{- if .Values.dask.enabled }}
- name: dask-tls
  secret:
    secretName: {{ .Values.dask.tlsSecret }}
    defaultMode: 0440
{{- end }}
{{- end -}}

{{/* Keys are taken only from files that nobody else can read, which a mounted Secret cannot be: they are copied. */}}
{{- define "proofwatch.keys" -}}
- name: keys
  image: {{ include "proofwatch.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command:
    - sh
    - -ec
    - umask 077; mkdir -p /data/keys; cp /run/secrets/keys/log.skey /run/secrets/keys/web.secret /data/keys/
  securityContext:
    {{- include "proofwatch.security" . | nindent 4 }}
  resources:
    requests: {cpu: 10m, memory: 32Mi}
    limits: {cpu: 100m, memory: 64Mi}
  volumeMounts:
    - {name: home, mountPath: /data}
    - {name: keys, mountPath: /run/secrets/keys, readOnly: true}
{{- end -}}

{{- define "proofwatch.folders" -}}
- name: folders
  image: {{ include "proofwatch.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command:
    - sh
    - -ec
    - mkdir -p /shared/exports /shared/checks; ln -sfn /shared/exports /data/exports
  securityContext:
    {{- include "proofwatch.security" . | nindent 4 }}
  resources:
    requests: {cpu: 10m, memory: 32Mi}
    limits: {cpu: 100m, memory: 64Mi}
  volumeMounts:
    - {name: home, mountPath: /data}
    - {name: shared, mountPath: /shared}
{{- end -}}
