// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/translate/walk.h"

#include <algorithm>
#include <utility>

#include "plugins/speech/providers/translate/phrase.h"

namespace dragoman {
namespace {

using Status = TranslateResult::Status;

// Transcripts may be laid out for reading; what is spoken is not.
std::string one_blank_each(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

bool after_comma(std::string_view text) { return text.ends_with(", ") || text.ends_with("; "); }

// A stretch of the text on its way through the providers.
struct Part {
  TranslatePiece piece;
  std::string provider;  // who translated it; empty: nobody yet
};

class Walk {
 public:
  Walk(const std::vector<NamedProvider>& providers, const std::string& text,
       const std::string& from, const std::string& to)
      : providers_(providers), from_(from), to_(to) {
    parts_.push_back({{one_blank_each(valid_utf8(text)), std::nullopt, {}}, {}});
  }

  WalkResult run() {
    for (at_ = 0; at_ < providers_.size() && pending(); ++at_) {
      if (providers_[at_].provider)
        ask_current();
      else
        report(providers_[at_].error, next_name());
    }
    if (pending()) report_untranslated();
    return joined();
  }

 private:
  bool pending() const {
    return std::any_of(parts_.begin(), parts_.end(),
                       [](const Part& part) { return part.provider.empty(); });
  }

  std::string next_name() const {
    return at_ + 1 < providers_.size() ? providers_[at_ + 1].name : "";
  }

  void report(const std::string& error, const std::string& next) {
    result_.failures.push_back({providers_[at_].name, error, next});
  }

  void ask_current() {
    std::vector<Part> parts;
    bool usable = true;  // a provider that failed over one piece is not asked about the next
    for (auto& part : parts_) {
      if (!part.provider.empty() || !usable) {
        parts.push_back(std::move(part));
        continue;
      }
      auto answer = ask_twice(part.piece.source);
      usable = answer.status != Status::failed;
      take(std::move(part), std::move(answer), parts);
    }
    parts_ = std::move(parts);
  }

  TranslateResult ask(const std::string& text) {
    return providers_[at_].provider->translate(
        {text, from_, to_, std::chrono::steady_clock::now() + kAttemptTimeout});
  }

  TranslateResult ask_twice(const std::string& text) {
    auto answer = ask(text);
    if (answer.status == Status::failed && answer.worth_retrying) {
      auto again = ask(text);
      if (again.status != Status::failed) report(answer.error, providers_[at_].name);
      answer = std::move(again);
    }
    if (answer.status == Status::failed)
      report(answer.error, next_name());
    else if (!answer.error.empty())
      report(answer.error, providers_[at_].name);
    return answer;
  }

  void take(Part part, TranslateResult answer, std::vector<Part>& parts) {
    const auto& name = providers_[at_].name;
    if (answer.status == Status::translated) {
      part.piece.text = std::move(answer.text);
      part.provider = name;
      parts.push_back(std::move(part));
    } else if (answer.status == Status::partly && !answer.pieces.empty()) {
      answer.pieces.back().glue += part.piece.glue;
      for (auto& piece : answer.pieces) {
        bool done = piece.text.has_value();
        parts.push_back({std::move(piece), done ? name : ""});
      }
    } else {
      parts.push_back(std::move(part));
    }
  }

  void report_untranslated() {
    std::string last = providers_.empty() ? "none" : providers_.back().name;
    bool said = !result_.failures.empty() && result_.failures.back().next.empty();
    if (!said)
      result_.failures.push_back(
          {last,
           "no provider has a translation from " + from_ + " to " + to_ +
               ": the text was left as it is; put a provider that knows the pair into the "
               "list",
           ""});
  }

  WalkResult joined() {
    std::vector<std::string> names;
    for (auto& part : parts_) {
      std::string name = part.provider.empty() ? "none" : part.provider;
      if (from_ == "en" && part.piece.text && after_comma(result_.text) &&
          is_english_i(part.piece.source))
        part.piece.text = with_first_letter(*part.piece.text, LetterCase::lower);
      result_.text += part.piece.text.value_or(part.piece.source) + part.piece.glue;
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    for (const auto& name : names) result_.provider += (result_.provider.empty() ? "" : "+") + name;
    return std::move(result_);
  }

  const std::vector<NamedProvider>& providers_;
  const std::string &from_, &to_;
  std::vector<Part> parts_;
  size_t at_ = 0;  // the provider being asked
  WalkResult result_;
};

}  // namespace

WalkResult translate_through(const std::vector<NamedProvider>& providers, const std::string& text,
                             const std::string& from, const std::string& to) {
  return Walk(providers, text, from, to).run();
}

}  // namespace dragoman
