#include "services/common/config/service_settings.h"

namespace penstock {

void ProcessSettings::AddTo(ServiceConfig& config) {
  config.Add("admin-listen", &admin_listen, "Address of /metrics, /healthz and /readyz.");
  config.Add("log-level", &log_level, "Lowest level of the log.");
  config.Choices("log-level", {"debug", "info", "warning", "error", "off"});
  config.Add("log-data", &log_data,
             "Let the log repeat what warehouses and destinations say of errors, which may quote "
             "records.");
  config.Add("grace-period", &grace_period,
             "Time between SIGTERM and the end: work is finished or handed back.");
}

void ServeSettings::AddTo(ServiceConfig& config) {
  config.Add("listen", &listen, "Address to serve gRPC on; port 0 takes a free one.");
  config.Add("tls-cert-file", &tls_cert_file, "PEM certificate chain; serves TLS when given.");
  config.Add("tls-key-file", &tls_key_file, "PEM key of that certificate.");
  config.Add("tls-client-ca-file", &tls_client_ca_file,
             "PEM authorities; clients must show a certificate of theirs.");
  config.Add("insecure", &insecure,
             "Serve gRPC beyond loopback without TLS, or to anyone; the log warns of it.");
  config.Add("max-message", &max_message, "Largest gRPC message that is taken.");
  config.Add("max-connection-age", &max_connection_age,
             "Clients are asked to connect anew after this time, so that load spreads over new "
             "replicas.");
}

void PeerTlsSettings::AddTo(ServiceConfig& config) {
  config.Add("peer-tls-ca-file", &ca_file,
             "PEM authorities to verify other services by; calls them with TLS.");
  config.Add("peer-tls-cert-file", &cert_file, "PEM certificate to show to other services.");
  config.Add("peer-tls-key-file", &key_file, "PEM key of that certificate.");
}

void StateSettings::AddTo(ServiceConfig& config) {
  config.Add("state", &addresses, "Addresses of the state service (replicas, or one DNS name).");
  config.Add("state-tls-name", &tls_name,
             "Name to expect in state's certificate instead of that in --state, for addresses.");
  config.Add("state-call-timeout", &call_timeout, "Deadline of a call to state.");
}

void RedisSettings::AddTo(ServiceConfig& config) {
  config.Add("redis-url", &url,
             "redis://[user[:password]@]host[:port][/database], rediss:// for TLS.");
  config.Add("redis-password-file", &password_file,
             "File with the password, instead of one in the URL; read at every connection.");
  config.Add("redis-ca-file", &ca_file, "PEM authorities to verify Redis by.");
  config.Add("redis-prefix", &prefix, "First part of every key, one per cluster of Penstock.");
  config.Add("redis-command-timeout", &command_timeout, "Deadline of a command.");
}

void LeaseSettings::AddTo(ServiceConfig& config) {
  config.Add("lease", &lease, "How long a task stays with a worker that doesn't report.");
  config.Add("heartbeat", &heartbeat, "How often a worker reports its progress.");
  config.Add("grant-margin", &grant_margin,
             "How much longer than its length state holds a send permission that nobody reported.");
}

}  // namespace penstock
