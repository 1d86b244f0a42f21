{{- define "bulkhead.tenantsPod" -}}
{{- $root := .root }}
automountServiceAccountToken: false
restartPolicy: OnFailure
securityContext: {{- include "bulkhead.podSecurity" . | nindent 2 }}
{{- with $root.Values.images.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: apply-tenants
    image: {{ include "bulkhead.image" (dict "root" $root "image" "provisioner") }}
    imagePullPolicy: {{ $root.Values.images.pullPolicy }}
    securityContext: {{- include "bulkhead.containerSecurity" . | nindent 6 }}
    env:
      - { name: BULKHEAD_URL, value: "http://{{ $root.Release.Name }}-core:8080" }
      - { name: BULKHEAD_TOKEN_FILE, value: /secrets/core-api-token }
      - { name: PROVISION_TENANTS_FILE, value: /etc/bulkhead/tenants.json }
    volumeMounts:
      - { name: secrets, mountPath: /secrets, readOnly: true }
      - { name: tenants, mountPath: /etc/bulkhead, readOnly: true }
volumes:
  - {{- include "bulkhead.secretVolume" (dict "name" "secrets" "secret" $root.Values.secrets.platform "keys" (list "core-api-token")) | nindent 4 }}
  - { name: tenants, configMap: { name: {{ include "bulkhead.name" . }} } }
{{- end }}
