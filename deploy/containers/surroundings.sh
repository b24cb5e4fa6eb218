# Read by the entries of both containers, which have set `directory`: what the files of the server change for the programs.

# The authorities that an administrator has put into `ca-trust`.
authorities=/tmp/ca-trust.pem
for certificate in "$directory"/ca-trust/*.crt; do
  [ -r "$certificate" ] || continue
  # A file may lack its last end of line.
  cat "$certificate"
  echo
done >"$authorities"
[ ! -s "$authorities" ] || export NODE_EXTRA_CA_CERTS="$authorities"

# A setting of `env.sh`.
case "${mst_log_verbose:-}" in
1 | true) export CULVERT_LOG_LEVEL=debug ;;
esac
