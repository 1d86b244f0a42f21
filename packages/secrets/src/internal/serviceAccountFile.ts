/** Where Kubernetes puts a pod's own identity. */
export const serviceAccountFile = (name: "token" | "ca.crt" | "namespace"): string =>
  `/var/run/secrets/kubernetes.io/serviceaccount/${name}`
