// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/maintain/maintain.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "launcher/store/maintain/steps.h"

namespace dragoman {
namespace {

using Kind = MaintainStep::Kind;

constexpr std::array kDaily = {
    MaintainStep{"journal", Kind::kGuard, "", maintain::quick_check},
    MaintainStep{"write-ahead log", Kind::kChange, "put it into the database and empty it",
                 maintain::empty_log},
    MaintainStep{"statistics", Kind::kChange, "renew what the query planner knows",
                 maintain::analyze},
    MaintainStep{"logs", Kind::kChange, "rotate what is large, remove what is old",
                 maintain::rotate_logs},
    MaintainStep{"disk", Kind::kCheck, "", maintain::check_disk},
    MaintainStep{"retention", Kind::kCheck, "", maintain::check_retention},
    MaintainStep{"PostgreSQL", Kind::kCheck, "", maintain::check_postgresql},
    MaintainStep{"orphans", Kind::kCheck, "", maintain::count_orphans},
    MaintainStep{"report", Kind::kChange, "write the figures of the day before",
                 maintain::report_day},
};

constexpr std::array kWeekly = {
    MaintainStep{"journal", Kind::kGuard, "", maintain::integrity_check},
    MaintainStep{"indexes", Kind::kCheck, "", maintain::check_schema},
    MaintainStep{"unused pages", Kind::kChange, "give them back to the disk in small steps",
                 maintain::give_pages_back},
    MaintainStep{"backup", Kind::kCheck, "", maintain::check_backup},
};

constexpr std::array kMonthly = {
    MaintainStep{"report", Kind::kChange, "write the months' summaries", maintain::report_months},
    MaintainStep{"old reports", Kind::kChange, "remove them", maintain::remove_old_reports},
    MaintainStep{"PostgreSQL", Kind::kChange, "vacuum and analyze our tables",
                 maintain::vacuum_postgresql},
};

StepReport run_step(const MaintainStep& step, const MaintainOptions& options) {
  using Clock = std::chrono::steady_clock;
  StepReport report;
  const Clock::time_point begin = Clock::now();
  try {
    report.text = step.run(options);
  } catch (const std::exception& error) {
    report.outcome = StepReport::Outcome::kFailed;
    report.text = error.what();
  }
  report.took = Clock::now() - begin;
  return report;
}

}  // namespace

std::span<const MaintainStep> steps_of(MaintainPeriod period) {
  switch (period) {
    case MaintainPeriod::kDaily:
      return kDaily;
    case MaintainPeriod::kWeekly:
      return kWeekly;
    default:
      return kMonthly;
  }
}

bool run_steps(std::span<const MaintainStep> steps, const MaintainOptions& options, bool dry_run,
               const std::function<void(const MaintainStep&, const StepReport&)>& tell) {
  bool all_well = true, unsure = false;
  for (const MaintainStep& step : steps) {
    StepReport report;
    if (step.kind == Kind::kChange && (dry_run || unsure)) {
      report.outcome = StepReport::Outcome::kNotDone;
      report.text = unsure ? "not with a journal that did not pass its check"
                           : std::string("would ") + step.what;
    } else {
      report = run_step(step, options);
    }
    if (report.outcome == StepReport::Outcome::kFailed) {
      all_well = false;
      unsure |= step.kind == Kind::kGuard;
    }
    tell(step, report);
  }
  return all_well;
}

MaintainLock::MaintainLock(const std::string& data_folder) {
  const std::string path = data_folder + "/maintain.lock";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0)
    throw MaintainFailure(path + ": " + std::strerror(errno) +
                          "; let it belong to the user that 'dragoman serve' runs as, and run this "
                          "as that user or as root");
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd_);
    throw MaintainFailure("another 'dragoman maintain' is at work on " + data_folder +
                          "; run this when it has ended");
  }
}

MaintainLock::~MaintainLock() { ::close(fd_); }

}  // namespace dragoman
