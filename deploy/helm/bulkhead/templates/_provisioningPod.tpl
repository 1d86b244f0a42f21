{{- define "bulkhead.provisioningPod" -}}
{{- $root := .root }}
{{- $common := dict "INSTALLATION_FOLDER" "/installation" "INSTALLATION_SECRET_PREFIX" $root.Release.Name "INSTALLATION_NAMESPACE" $root.Release.Namespace "NODE_EXTRA_CA_CERTS" "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt" }}
serviceAccountName: {{ include "bulkhead.name" . }}
restartPolicy: OnFailure
securityContext: {{- include "bulkhead.podSecurity" . | nindent 2 }}
{{- with $root.Values.images.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
initContainers:
  {{- if $root.Values.secrets.admin }}
  - name: database
    image: {{ include "bulkhead.image" (dict "root" $root "image" "provisioner") }}
    imagePullPolicy: {{ $root.Values.images.pullPolicy }}
    args: [prepare-database.js]
    securityContext: {{- include "bulkhead.containerSecurity" . | nindent 6 }}
    env:
      - { name: PREPARE_ADMIN_URL_FILE, value: /secrets/admin/postgres-admin-url }
      - { name: PREPARE_CORE_URL_FILE, value: /secrets/platform/core-database-url }
      - { name: PREPARE_SIGNER_URL_FILE, value: /secrets/signer/signer-database-url }
      {{- if eq $root.Values.layout "shared" }}
      - { name: PREPARE_EVENT_WRITER_URL_FILE, value: /secrets/platform/event-writer-database-url }
      {{- end }}
      {{- if $root.Values.netflow.enabled }}
      - { name: PREPARE_NETFLOW_URL_FILE, value: /secrets/platform/netflow-database-url }
      {{- end }}
    volumeMounts:
      - { name: admin, mountPath: /secrets/admin, readOnly: true }
      - { name: platform, mountPath: /secrets/platform, readOnly: true }
      - { name: signer, mountPath: /secrets/signer, readOnly: true }
  {{- end }}
  - name: read-installation
    image: {{ include "bulkhead.image" (dict "root" $root "image" "provisioner") }}
    imagePullPolicy: {{ $root.Values.images.pullPolicy }}
    args: [installation-secrets.js, read]
    securityContext: {{- include "bulkhead.containerSecurity" . | nindent 6 }}
    env: {{- include "bulkhead.env" $common | nindent 6 }}
    volumeMounts: [{ name: installation, mountPath: /installation }]
  - name: bootstrap
    image: {{ include "bulkhead.image" (dict "root" $root "image" "account-signer") }}
    imagePullPolicy: {{ $root.Values.images.pullPolicy }}
    args: [bootstrap.js]
    securityContext: {{- include "bulkhead.containerSecurity" . | nindent 6 }}
    env:
      - { name: DATABASE_URL_FILE, value: /secrets/signer/signer-database-url }
      - { name: SECRETS_KEYS_FILE, value: /secrets/signer/signer-keys }
      - { name: BOOTSTRAP_FOLDER, value: /installation }
      - { name: BOOTSTRAP_FOLDERS_APART, value: "true" }
      - { name: BOOTSTRAP_NAME, value: {{ $root.Release.Name }} }
      - { name: BOOTSTRAP_RESOLVER_FOLDER, value: {{ $root.Values.nats.resolverFolder }} }
    volumeMounts:
      - { name: installation, mountPath: /installation }
      - { name: signer, mountPath: /secrets/signer, readOnly: true }
containers:
  - name: write-installation
    image: {{ include "bulkhead.image" (dict "root" $root "image" "provisioner") }}
    imagePullPolicy: {{ $root.Values.images.pullPolicy }}
    args: [installation-secrets.js, write]
    securityContext: {{- include "bulkhead.containerSecurity" . | nindent 6 }}
    env: {{- include "bulkhead.env" $common | nindent 6 }}
    volumeMounts: [{ name: installation, mountPath: /installation }]
volumes:
  - { name: installation, emptyDir: { medium: Memory } }
  - {{- include "bulkhead.secretVolume" (dict "name" "signer" "secret" $root.Values.secrets.signer) | nindent 4 }}
  {{- if $root.Values.secrets.admin }}
  - {{- include "bulkhead.secretVolume" (dict "name" "admin" "secret" $root.Values.secrets.admin) | nindent 4 }}
  - {{- include "bulkhead.secretVolume" (dict "name" "platform" "secret" $root.Values.secrets.platform) | nindent 4 }}
  {{- end }}
{{- end }}
