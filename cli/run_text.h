#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/output.h"
#include "penstock/v1/run.pb.h"

// Runs in words.
namespace penstock::cli {

std::string_view StateName(v1::RunState state);  // "SUCCEEDED" …
std::string_view PhaseName(v1::RunPhase phase);  // "reading" …; empty when not active

// A table of them, its head first.
TableRows RunRows(const std::vector<v1::Run>& runs);

// What a run did or does: counts of rows and records, errors and notices, a line each.
std::string RunSummary(const v1::Run& run);

// "100,000 rows read: 99,350 unchanged, 650 changed"; counts of nothing are left out.
std::string RowsText(const v1::ReadCounts& rows);
std::string OperationText(const v1::OperationCounts& counts);

// Local time, to the second.
std::string TimeText(const google::protobuf::Timestamp& time);

// Seconds from start to end, or to now: "12.3s", "4m10s".
std::string RunLength(const v1::Run& run);

}  // namespace penstock::cli
