// SPDX-License-Identifier: LGPL-2.1-or-later
// The provider that translates with Apertium's programs, kept running in null-flush mode.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/speech/providers/translate/mode_file.h"
#include "plugins/speech/providers/translate/provider.h"

namespace dragoman {

struct ApertiumOptions {
  std::filesystem::path modes_dir = kApertiumModesDir;
  /// A chain that has answered before must answer within this (1–3 ms is usual), or counts as hung.
  std::chrono::milliseconds answer_timeout{2000};
  /// The first answer of a chain: the programs read their data (0.1–0.2 s is usual).
  std::chrono::milliseconds start_timeout{10000};
};

/// One chain of programs per direction, about eleven processes, started at the first request or by
/// prepare() and kept. Requests of one direction take turns. A chain that died while nobody asked
/// is replaced before the next sentence; one that dies or hangs over a sentence is killed and the
/// request fails, to be asked again of a new one.
class ApertiumProvider : public TranslateProvider {
 public:
  explicit ApertiumProvider(ApertiumOptions options = {});
  ~ApertiumProvider() override;

  TranslateResult translate(const TranslateRequest& request) override;
  std::string prepare(const std::string& from, const std::string& to) override;
  void interrupt() override;

  /// The process ids of a direction's programs, in order; empty: none run.
  std::vector<int> pids(const std::string& from, const std::string& to);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// `option` must be empty: there is none.
std::unique_ptr<TranslateProvider> make_apertium_provider(std::string_view option);

}  // namespace dragoman
