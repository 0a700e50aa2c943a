// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/tts/espeak_ng.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "plugins/speech/providers/tts/child_program.h"
#include "plugins/speech/providers/tts/wav_stream.h"

namespace dragoman {
namespace {

constexpr double kMinWordsPerMinute = 80, kMaxWordsPerMinute = 450;  // espeak-ng's limits
constexpr std::chrono::milliseconds kEndTimeout{1000};
constexpr size_t kReadBytes = 8192;
constexpr char kCure[] = "apt-get install espeak-ng";

struct LanguageVoice {
  std::string_view language, voice;
};

// Where espeak-ng 1.51's name is not the tag itself, or its choice for the bare tag is not the one
// for telephones of the Americas. ISO 639-3 codes as Apertium has them.
constexpr LanguageVoice kVoices[] = {
    {"en", "en-us"},    {"eng", "en-us"},   {"en-gb", "en-gb"}, {"en-au", "en-gb"},
    {"en-ie", "en-gb"}, {"en-in", "en-gb"}, {"es", "es-419"},   {"spa", "es-419"},
    {"es-es", "es"},    {"pt", "pt-br"},    {"por", "pt-br"},   {"pt-pt", "pt"},
    {"fr", "fr-fr"},    {"fra", "fr-fr"},   {"fr-be", "fr-be"}, {"fr-ch", "fr-ch"},
    {"zh", "cmn"},      {"zh-hk", "yue"},   {"zh-yue", "yue"},  {"no", "nb"},
    {"nn", "nb"},       {"hbs", "hr"},      {"sh", "hr"},       {"cat", "ca"},
    {"glg", "gl"},      {"gl", "pt"},       {"deu", "de"},      {"ita", "it"},
    {"ron", "ro"},      {"mo", "ro"},       {"isl", "is"},      {"mkd", "mk"},
    {"eus", "eu"},      {"epo", "eo"},      {"oc", "ca"},       {"oci", "ca"},
    {"ast", "es"},      {"iw", "he"},       {"in", "id"},       {"jp", "ja"},
    {"nl-be", "nl"},    {"vi", "vi"},       {"hy", "hy"},
};

// Text as espeak-ng must get it: one paragraph, without its embedded commands (control characters)
// and its phoneme notation ([[…]]).
std::string speakable(const std::string& text) {
  std::string clean;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      clean += ' ';
    } else if (c == '[' && !clean.empty() && clean.back() == '[') {
      clean += " [";
    } else {
      clean += c;
    }
  }
  return clean;
}

std::vector<std::string> command_line(const std::string& program, const SpeechRequest& request) {
  const double words_per_minute = std::clamp(request.rate * EspeakNg::kNormalWordsPerMinute,
                                             kMinWordsPerMinute, kMaxWordsPerMinute);
  return {program,
          "--stdout",
          "--stdin",
          "-b",
          "1",
          "-v",
          request.voice.empty() ? EspeakNg::voice_for(request.language) : request.voice,
          "-s",
          std::to_string(std::lround(words_per_minute))};
}

SpeechResult failed(const std::string& what) {
  return {SpeechStatus::kFailed, std::string(EspeakNg::kName) + ": " + what};
}

// The output of a running child, to its end.
SpeechResult stream(ChildProgram& child, const SpeechSink& sink,
                    std::chrono::milliseconds timeout) {
  std::array<std::byte, kReadBytes> space;
  WavStream wav;
  for (;;) {
    size_t bytes = 0;
    switch (child.read(space, bytes, timeout)) {
      case ChildProgram::Got::kBytes:
        if (!wav.feed(std::span(space).first(bytes)))
          return failed("its output is not a WAV file of mono 16-bit PCM");
        if (!wav.samples().empty() && !sink(wav.samples(), wav.sample_rate())) {
          return {SpeechStatus::kCancelled, ""};
        }
        break;
      case ChildProgram::Got::kStopped:
        return {SpeechStatus::kCancelled, ""};
      case ChildProgram::Got::kTimeout:
        return failed("no output for " + std::to_string(timeout.count()) + " ms; ended it");
      case ChildProgram::Got::kFailed:
        return failed("cannot read its output");
      case ChildProgram::Got::kEnd:
        if (const auto why = child.finish(kEndTimeout)) return failed(*why);
        if (!wav.has_header()) return failed("no output");
        return {};
    }
  }
}

}  // namespace

EspeakNg::EspeakNg(std::string program, std::chrono::milliseconds timeout)
    : program_(std::move(program)), timeout_(timeout) {}

std::unique_ptr<TtsProvider> EspeakNg::make() {
  const char* program = std::getenv("DRAGOMAN_ESPEAK_NG");
  return std::make_unique<EspeakNg>(program && *program ? program : "espeak-ng");
}

std::string EspeakNg::voice_for(std::string_view language) {
  std::string tag(language);
  std::ranges::transform(tag, tag.begin(), [](unsigned char c) {
    return c == '_' ? '-' : static_cast<char>(std::tolower(c));
  });
  for (const std::string& wanted : {tag, tag.substr(0, tag.find('-'))}) {
    const auto found = std::ranges::find(kVoices, wanted, &LanguageVoice::language);
    if (found != std::end(kVoices)) return std::string(found->voice);
  }
  return tag.substr(0, tag.find('-'));
}

std::optional<std::string> EspeakNg::unusable() const {
  if (!find_executable(program_).empty()) return std::nullopt;
  return "the program " + program_ + " is not there or cannot be executed: " + kCure;
}

SpeechResult EspeakNg::synthesize(const SpeechRequest& request, const SpeechSink& sink,
                                  std::stop_token stop) {
  const std::string path = find_executable(program_);
  if (path.empty()) return failed(*unusable());
  ChildProgram child(std::move(stop));
  if (const auto why = child.start(command_line(path, request), speakable(request.text))) {
    return failed(*why);
  }
  return stream(child, sink, timeout_);
}

}  // namespace dragoman
