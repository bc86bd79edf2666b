#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>

#include "penstock/v1/run.pb.h"

namespace penstock::cli {

using SteadyTime = std::chrono::steady_clock::time_point;

// A run's progress in a line of text. Pure: time is an argument.
class ProgressLine {
 public:
  // "delivering [#####-----]  52 %  52,000 of 100,000  9,800/s  5s left"; without the bar's total:
  // "reading  45,000 rows  12,000 delivered  9,800/s".
  std::string Update(const v1::Run& run, SteadyTime now);

 private:
  // Records settled a second, over the last few.
  double Rate(int64_t settled, SteadyTime now);

  struct Sample {
    SteadyTime time;
    int64_t settled;
  };
  std::deque<Sample> samples_;
};

// Shows a run's progress on stderr: a line that is drawn anew on a terminal, else a line whenever
// state or phase changes and every few seconds.
class ProgressView {
 public:
  explicit ProgressView(bool terminal) : terminal_(terminal) {}
  void Show(const v1::Run& run);
  // Ends the line that is drawn anew.
  void Clear();

 private:
  bool terminal_;
  ProgressLine line_;
  std::string last_head_;
  SteadyTime next_{};
};

}  // namespace penstock::cli
