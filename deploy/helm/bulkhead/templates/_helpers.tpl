{{- define "bulkhead.name" -}}
{{ printf "%s-%s" .root.Release.Name .name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "bulkhead.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "bulkhead.labels" -}}
{{ include "bulkhead.selector" . }}
app.kubernetes.io/part-of: bulkhead
app.kubernetes.io/version: {{ .root.Values.images.tag | default .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "bulkhead.image" -}}
{{ .root.Values.images.prefix }}{{ .image }}:{{ .root.Values.images.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "bulkhead.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{- define "bulkhead.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{/* How a service reaches NATS. */}}
{{- define "bulkhead.natsEnv" -}}
NATS_URL: {{ .Values.nats.url | quote }}
{{- if .Values.nats.tlsCaSecret }}
NATS_TLS_CA: /etc/nats-ca/ca.crt
{{- end }}
{{- end }}

{{/* A list of name and value out of a map. */}}
{{- define "bulkhead.env" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{/*
A service: its Deployment, account, disruption budget and network policy. Takes root, name, image, values, replicas, env (a
map), mounts (volume name -> folder), volumes (a list), database (whether it reaches PostgreSQL), egress and ingress (lists
of further rules), strategy.
*/}}
{{- define "bulkhead.service" -}}
{{- $root := .root }}
{{- $mounts := .mounts }}
{{- $volumes := .volumes }}
{{- if $root.Values.nats.tlsCaSecret }}
{{- $mounts = merge (dict "nats-ca" "/etc/nats-ca") $mounts }}
{{- $volumes = append $volumes (dict "name" "nats-ca" "secret" (dict "secretName" $root.Values.nats.tlsCaSecret)) }}
{{- end }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "bulkhead.name" . }}
  labels: {{- include "bulkhead.labels" . | nindent 4 }}
automountServiceAccountToken: false
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "bulkhead.name" . }}
  labels: {{- include "bulkhead.labels" . | nindent 4 }}
spec:
  {{- if not .scaled }}
  replicas: {{ .replicas }}
  {{- end }}
  strategy: {{- .strategy | default (dict "type" "RollingUpdate" "rollingUpdate" (dict "maxUnavailable" 0 "maxSurge" 1)) | toYaml | nindent 4 }}
  selector:
    matchLabels: {{- include "bulkhead.selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "bulkhead.labels" . | nindent 8 }}
    spec:
      serviceAccountName: {{ include "bulkhead.name" . }}
      automountServiceAccountToken: {{ .apiToken | default false }}
      # A service ends within 25 s of SIGTERM.
      terminationGracePeriodSeconds: 30
      securityContext: {{- include "bulkhead.podSecurity" . | nindent 8 }}
      {{- with $root.Values.images.pullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "bulkhead.selector" $ | nindent 14 }}
        {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ include "bulkhead.image" . }}
          imagePullPolicy: {{ $root.Values.images.pullPolicy }}
          securityContext: {{- include "bulkhead.containerSecurity" . | nindent 12 }}
          env: {{- include "bulkhead.env" (merge (deepCopy .values.env) .env (fromYaml (include "bulkhead.natsEnv" $root))) | nindent 12 }}
          ports:
            - { name: ops, containerPort: 9090 }
            {{- range .ports }}
            - {{ toJson . }}
            {{- end }}
          startupProbe:
            httpGet: { path: /livez, port: ops }
            periodSeconds: 2
            failureThreshold: 30
          livenessProbe:
            httpGet: { path: /livez, port: ops }
            periodSeconds: 10
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: /readyz, port: ops }
            periodSeconds: 5
            timeoutSeconds: 3
          resources: {{- toYaml .values.resources | nindent 12 }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- range $name, $path := $mounts }}
            - { name: {{ $name }}, mountPath: {{ $path }}, readOnly: true }
            {{- end }}
      volumes:
        - { name: tmp, emptyDir: {} }
        {{- toYaml $volumes | nindent 8 }}
{{- if gt (int .replicas) 1 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "bulkhead.name" . }}
  labels: {{- include "bulkhead.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "bulkhead.selector" . | nindent 6 }}
{{- end }}
{{- if $root.Values.networkPolicies }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "bulkhead.name" . }}
  labels: {{- include "bulkhead.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "bulkhead.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - from:
        - namespaceSelector:
            matchLabels: {{- toYaml $root.Values.monitoring.namespaceSelector | nindent 14 }}
      ports: [{ protocol: TCP, port: 9090 }]
    {{- with .ingress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  egress:
    {{- include "bulkhead.egress" (dict "root" $root "database" .database) | nindent 4 }}
    {{- with .egress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
{{- end }}

{{/* Names, NATS, and PostgreSQL where it is needed: nothing else. */}}
{{- define "bulkhead.egress" -}}
- ports: [{ protocol: UDP, port: 53 }, { protocol: TCP, port: 53 }]
- to:
    - namespaceSelector: {}
      podSelector:
        matchLabels: {{- toYaml .root.Values.nats.podSelector | nindent 10 }}
  ports: [{ protocol: TCP, port: 4222 }]
{{- if .database }}
- ports: [{ protocol: TCP, port: {{ .root.Values.postgres.port }} }]
{{- end }}
{{- end }}

{{/* A volume with some keys of a Secret. */}}
{{- define "bulkhead.secretVolume" -}}
name: {{ .name }}
secret:
  secretName: {{ .secret }}
  defaultMode: 0440
  {{- with .keys }}
  items:
    {{- range . }}
    - { key: {{ . }}, path: {{ . }} }
    {{- end }}
  {{- end }}
{{- end }}
