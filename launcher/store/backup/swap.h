// SPDX-License-Identifier: LGPL-2.1-or-later
// Several files and folders replaced together, or none.
#pragma once

#include <string>
#include <vector>

namespace dragoman {

/// `from` becomes `to`; what is there is kept as `aside` (empty: nothing may be there). All three
/// are on one file system.
struct SwapStep {
  std::string from, to, aside;
};

/// Carries out renames; a file that is replaced is at no moment absent, a folder for one. Before
/// the first its plan is on the disk (in the file `plan`, locked while it lives), and gone only
/// with commit(): until then everything can be undone, by this object, or after a power cut by
/// undo_interrupted_swap(). Throws BackupError.
class Swap {
 public:
  Swap(std::string plan, std::vector<SwapStep> steps);
  ~Swap();  ///< undoes what was not committed
  Swap(const Swap&) = delete;
  Swap& operator=(const Swap&) = delete;

  void run();
  void commit();

 private:
  const std::string plan_;
  const std::vector<SwapStep> steps_;
  int file_ = -1;
};

/// Where the restore of a data folder keeps its plan.
std::string swap_plan_of(const std::string& data_folder);

/// Undoes what `plan` tells of, if it is there. True if there was something to undo. Throws
/// BackupError if a restore is at work just now, if something cannot be put back, or if the plan is
/// a link or a file that another user than root and we can write.
bool undo_interrupted_swap(const std::string& plan);

}  // namespace dragoman
