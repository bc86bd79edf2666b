#include "services/state/app/member_store.h"

#include <google/protobuf/util/time_util.h>

#include <boost/json.hpp>

#include "services/common/core/status.h"
#include "services/common/core/version.h"
#include "services/common/pg/pg_connection.h"

namespace penstock::state {
namespace {

using google::protobuf::util::TimeUtil;

std::string ToJsonTexts(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  return boost::json::serialize(boost::json::array(texts.begin(), texts.end()));
}

}  // namespace

absl::Status ReportMember(PgTransaction& tx, const pb::ReportMemberRequest& request,
                          pb::ReportMemberResponse& response) {
  if (request.leaves()) {
    PENSTOCK_RETURN_IF_ERROR(tx.Exec("DELETE FROM members WHERE id = $1", {request.id()}).status());
  } else {
    PENSTOCK_RETURN_IF_ERROR(
        tx.Exec(
              "INSERT INTO members (id, service, host, version, started_at, clock_offset_us, "
              "not_ready) VALUES ($1, $2, $3, $4, to_timestamp($5), "
              "$6 - (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, $7::text::jsonb) "
              "ON CONFLICT (id) DO UPDATE SET seen_at = now(), "
              "clock_offset_us = excluded.clock_offset_us, not_ready = excluded.not_ready",
              {request.id(), request.service(), request.host(), request.version(),
               static_cast<double>(TimeUtil::TimestampToMicroseconds(request.start_time())) / 1e6,
               TimeUtil::TimestampToMicroseconds(request.now()), ToJsonTexts(request.not_ready())})
            .status());
  }
  PENSTOCK_ASSIGN_OR_RETURN(PgResult now, tx.Exec("SELECT clock_timestamp()"));
  *response.mutable_now() = TimeUtil::MicrosecondsToTimestamp(now.Micros(0, 0));
  response.set_version(std::string(kVersion));
  return absl::OkStatus();
}

absl::Status LoadMembers(PgTransaction& tx, penstock::v1::GetClusterStatusResponse& status) {
  PENSTOCK_ASSIGN_OR_RETURN(
      PgResult rows,
      tx.Exec("SELECT service, host, version, started_at, clock_offset_us, not_ready::text "
              "FROM members WHERE seen_at > now() - interval '30 s' "
              "ORDER BY service, started_at, id"));
  for (int row = 0; row < rows.rows(); ++row) {
    penstock::v1::Instance& instance = *status.add_instances();
    instance.set_service(std::string(rows.Text(row, 0)));
    instance.set_host(std::string(rows.Text(row, 1)));
    instance.set_version(std::string(rows.Text(row, 2)));
    *instance.mutable_start_time() = TimeUtil::MicrosecondsToTimestamp(rows.Micros(row, 3));
    instance.set_clock_offset_seconds(static_cast<double>(rows.Int(row, 4)) / 1e6);
    const std::string_view reasons = rows.Text(row, 5);
    boost::system::error_code error;
    const boost::json::value parsed = boost::json::parse({reasons.data(), reasons.size()}, error);
    if (error || !parsed.is_array())
      return Error(ErrorCode::kDATA_CORRUPT, "a member's reasons can't be read");
    for (const auto& reason : parsed.get_array())
      instance.add_not_ready(std::string(reason.as_string()));
  }
  return absl::OkStatus();
}

}  // namespace penstock::state
