# Read by the entries of both containers: the authorities that an administrator has put into `ca-trust`.
authorities=/tmp/ca-trust.pem
for certificate in "$directory"/ca-trust/*.crt; do
  [ -r "$certificate" ] || continue
  # A file may lack its last end of line.
  cat "$certificate"
  echo
done >"$authorities"
[ ! -s "$authorities" ] || export NODE_EXTRA_CA_CERTS="$authorities"
