// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/store/backup/swap.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "launcher/store/backup/manifest.h"
#include "launcher/store/backup/work_folder.h"
#include "launcher/util/log.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr char kInterrupted[] =
    "; a restore was interrupted, and this cannot undo it: put that right, or run 'dragoman "
    "restore' "
    "again as root, which undoes it first";
/// A folder that everybody may write in, as /tmp, may hold what anybody put there.
constexpr char kForeign[] =
    ": another user can have written this, so nothing is undone by it; if he was restoring, run "
    "'dragoman restore' again as him, otherwise remove it";
constexpr char kEnd[] = "end";  // a plan without its last line was never begun with

bool exists(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

std::string folder_of(const std::string& path) {
  g_autofree char* folder = g_path_get_dirname(path.c_str());
  return folder;
}

void move(const std::string& from, const std::string& to) {
  if (!rename_to_new(from, to))
    throw BackupError("cannot rename " + from + " to " + to + ": " + g_strerror(errno));
  sync_path(folder_of(to));
}

/// Gives a file a second name. False if it is none, or the file system has no such names.
bool name_also(const std::string& path, const std::string& name) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) ||
      ::link(path.c_str(), name.c_str()) != 0)
    return false;
  sync_path(folder_of(name));
  return true;
}

/// `from` becomes `to` in place of what is there: at no moment is there nothing.
void replace(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    throw BackupError("cannot rename " + from + " to " + to + ": " + g_strerror(errno));
  ::unlink(from.c_str());  // still there if both names were the same file's
  sync_path(folder_of(to));
  sync_path(folder_of(from));
}

/// A file that others read by its name, as the configuration, is always there: the old or the new.
void carry_out(const SwapStep& step) {
  const bool replaces = !step.aside.empty() && exists(step.to);
  if (replaces && name_also(step.to, step.aside)) return replace(step.from, step.to);
  if (replaces) move(step.to, step.aside);
  move(step.from, step.to);
}

void undo(const std::vector<SwapStep>& steps) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const bool has_aside = !step->aside.empty() && exists(step->aside);
    if (!exists(step->from) && exists(step->to) && !(has_aside && name_also(step->to, step->from)))
      move(step->to, step->from);
    if (!has_aside) continue;
    if (!fs::is_directory(fs::symlink_status(step->aside))) {
      replace(step->aside, step->to);
      continue;
    }
    ::rmdir(step->to.c_str());  // systemd makes an empty one for a service (StateDirectory=)
    move(step->aside, step->to);
  }
}

/// Root's or our own, and nobody else's to write.
bool is_ours(int file) {
  struct stat info {};
  return ::fstat(file, &info) == 0 && S_ISREG(info.st_mode) &&
         (info.st_uid == 0 || info.st_uid == ::geteuid()) &&
         (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/// Opens and locks it; -1 if there is none.
int open_plan(const std::string& plan) {
  const int file = ::open(plan.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return -1;
  if (file < 0 && errno != ELOOP) throw BackupError(plan + ": " + g_strerror(errno) + kInterrupted);
  std::string refused;
  if (file < 0 || !is_ours(file))
    refused = kForeign;
  else if (::flock(file, LOCK_EX | LOCK_NB) != 0)
    refused = ": a restore is at work; wait until it has ended";
  if (refused.empty()) return file;
  if (file >= 0) ::close(file);
  throw BackupError(plan + refused);
}

/// Nothing if the plan was not written to its end.
std::vector<SwapStep> read_plan(int file, const std::string& plan) {
  std::string text;
  char block[4096];
  ssize_t size = 0;
  while ((size = ::read(file, block, sizeof block)) > 0) text.append(block, size);
  if (size < 0) throw BackupError(plan + ": " + g_strerror(errno));
  std::istringstream in(text);
  std::vector<SwapStep> steps;
  SwapStep step;
  while (std::getline(in, step.from) && step.from != kEnd) {
    std::getline(in, step.to);
    std::getline(in, step.aside);
    steps.push_back(step);
  }
  return in ? steps : std::vector<SwapStep>();
}

void remove_plan(const std::string& plan) {
  ::unlink(plan.c_str());
  sync_path(folder_of(plan));
}

}  // namespace

Swap::Swap(std::string plan, std::vector<SwapStep> steps)
    : plan_(std::move(plan)), steps_(std::move(steps)) {
  std::string text;
  for (const SwapStep& step : steps_)
    for (const std::string& path : {step.from, step.to, step.aside}) {
      if (path.find('\n') != std::string::npos)
        throw BackupError("a name with a line break in it cannot be restored: " +
                          log::printable(path));
      text += path + "\n";
    }
  text += std::string(kEnd) + "\n";
  file_ = ::open(plan_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file_ < 0) throw BackupError(plan_ + ": " + g_strerror(errno));
  const bool written =
      ::flock(file_, LOCK_EX | LOCK_NB) == 0 &&
      ::write(file_, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file_) == 0;
  if (!written) {
    const std::string why = g_strerror(errno);
    ::unlink(plan_.c_str());
    ::close(file_);
    throw BackupError(plan_ + ": " + why);
  }
  sync_path(folder_of(plan_));
}

Swap::~Swap() {
  if (file_ < 0) return;
  try {
    undo(steps_);
    remove_plan(plan_);
  } catch (const BackupError& error) {
    log::error("restore", std::string(error.what()) +
                              "; put that right and run 'dragoman restore' "
                              "again: it undoes the rest");
  }
  ::close(file_);
}

void Swap::run() {
  for (const SwapStep& step : steps_) carry_out(step);
}

void Swap::commit() {
  remove_plan(plan_);
  ::close(file_);
  file_ = -1;
}

std::string swap_plan_of(const std::string& data_folder) {
  std::error_code error;
  const std::string folder = fs::weakly_canonical(data_folder, error).string();
  return (error ? data_folder : folder) + ".restore-plan";
}

bool undo_interrupted_swap(const std::string& plan) {
  const int file = open_plan(plan);
  if (file < 0) return false;
  try {
    undo(read_plan(file, plan));
    remove_plan(plan);
  } catch (const BackupError& error) {
    ::close(file);
    throw BackupError(error.what() + std::string(kInterrupted));
  }
  ::close(file);
  return true;
}

}  // namespace dragoman
