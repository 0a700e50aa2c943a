// SPDX-License-Identifier: LGPL-2.1-or-later
// What translates text: the interface that every translate provider implements, and the table of
// those there are.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dragoman {

struct TranslateRequest {
  std::string text;                                ///< UTF-8, one or more sentences
  std::string from, to;                            ///< BCP 47 tags: "en", "es-MX"
  std::chrono::steady_clock::time_point deadline;  ///< give up then
};

/// A stretch of the request's text. The pieces of a result, one after the other with their glue,
/// are the whole of it.
struct TranslatePiece {
  std::string source;
  std::optional<std::string> text;  ///< absent: left to the next provider
  std::string glue;                 ///< what stands between it and the next piece
};

struct TranslateResult {
  enum class Status {
    translated,  ///< all of it: `text`
    partly,      ///< some of it: `pieces`
    no_match,    ///< nothing; not an error: the next provider is asked
    failed       ///< `error` says why and what to do
  };
  Status status = Status::no_match;
  std::string text;
  std::vector<TranslatePiece> pieces;
  /// Set when failed. Beside any other status: something that concerns the user was wrong, yet did
  /// not stop the provider (one of several files unreadable).
  std::string error;
  bool worth_retrying = true;  ///< failed: asking again at once may help

  static TranslateResult translated(std::string text) {
    return {.status = Status::translated, .text = std::move(text)};
  }
  static TranslateResult failed(std::string error) {
    return {.status = Status::failed, .error = std::move(error)};
  }
  /// A failure that a second attempt cannot mend: something is missing or misconfigured.
  static TranslateResult failed_for_good(std::string error) {
    return {.status = Status::failed, .error = std::move(error), .worth_retrying = false};
  }
};

/// Shared by all calls of a process. Every function may be called from several threads at a time,
/// and none throws.
class TranslateProvider {
 public:
  virtual ~TranslateProvider() = default;

  /// Blocks until the answer is there or `request.deadline` has passed.
  virtual TranslateResult translate(const TranslateRequest& request) = 0;

  /// Does what the first translate() of this pair would have to do first. Blocks. Returns what
  /// went wrong; empty: nothing.
  virtual std::string prepare(const std::string& from, const std::string& to) { return {}; }

  /// Makes every call in progress return soon, as failed. Called once, before destruction.
  virtual void interrupt() {}
};

struct TranslateProviderEntry {
  std::string name;
  /// `option`: what followed the name and a colon in the list of providers ("memory:0.9"). Null:
  /// the option is not understood.
  std::function<std::unique_ptr<TranslateProvider>(std::string_view option)> make;
};

/// The providers there are. A new one is a source file and a line here.
const std::vector<TranslateProviderEntry>& translate_providers();

}  // namespace dragoman
