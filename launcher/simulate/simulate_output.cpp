// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/simulate_output.h"

#include <cstdio>

#include "launcher/store/iso_time.h"
#include "launcher/util/json.h"

namespace dragoman {
namespace {

class TextOutput : public SimulateOutput {
 public:
  void progress(const std::string& text) override { print("… %s\n", text.c_str()); }
  void on_transcript(const ReportedUtterance& utterance) override {
    print("%s  %s heard   %s  %s\n", time_of(utterance.end_at).c_str(), utterance.extension.c_str(),
          utterance.language.c_str(), utterance.text.c_str());
  }
  void on_translation(const ReportedUtterance&) override {}
  void on_spoken(const ReportedUtterance& utterance) override {
    print("%s  %s spoken  %s  %s  (%.2f s later)\n", time_of(utterance.first_audio_at).c_str(),
          utterance.extension.c_str(), utterance.target_language.c_str(),
          utterance.translation.c_str(), utterance.delay_ms.value_or(0) / 1000);
  }
  void end(const std::string& reason, const std::string& detail, const Report& report) override {
    if (!report.trace_ids.empty()) print("\n%s", report_text(report, false).c_str());
    if (reason == "eos") return;
    std::fflush(stdout);
    std::fprintf(stderr, "dragoman simulate-call: %s\n", detail.c_str());
  }

 private:
  static std::string time_of(const std::string& iso) {
    return iso.size() > 21 ? iso.substr(11, 10) : "          ";
  }
  template <typename... Values>
  static void print(const char* format, Values... values) {
    std::printf(format, values...);
    std::fflush(stdout);
  }
};

/// A JSON object, member by member.
class JsonLine {
 public:
  explicit JsonLine(const char* type) { text("type", type); }
  void text(const char* name, const std::string& value) { add(name, json_string(value)); }
  void raw(const char* name, const std::string& value) { add(name, value); }
  void number(const char* name, const std::optional<double>& value) {
    add(name, value ? json_number(*value) : "null");
  }
  void count(const char* name, int64_t value) { add(name, std::to_string(value)); }
  /// A time of the journal in ns since 1970; left out if there is none.
  void time(const char* name, const std::string& iso) {
    if (const auto utc = parse_iso_time(iso)) add(name, std::to_string(*utc));
  }
  void print() const {
    std::printf("{%s}\n", line_.c_str());
    std::fflush(stdout);
  }

 private:
  void add(const char* name, const std::string& value) {
    if (!line_.empty()) line_ += ',';
    line_ += json_string(name) + ":" + value;
  }
  std::string line_;
};

class JsonOutput : public SimulateOutput {
 public:
  void progress(const std::string& text) override { std::fprintf(stderr, "… %s\n", text.c_str()); }
  void on_transcript(const ReportedUtterance& utterance) override {
    JsonLine line("transcript");
    add_clause(line, utterance);
    line.text("text", utterance.text);
    line.text("language", utterance.language);
    line.raw("is_final", "true");
    line.text("provider", utterance.stt_provider);
    line.number("endpoint_ms", utterance.endpoint_ms);
    line.number("decode_ms", utterance.decode_ms);
    line.print();
  }
  void on_translation(const ReportedUtterance& utterance) override {
    JsonLine line("translation");
    add_translation(line, utterance);
    line.print();
  }
  void on_spoken(const ReportedUtterance& utterance) override {
    JsonLine line("spoken");
    add_translation(line, utterance);
    line.text("tts_provider", utterance.tts_provider);
    line.time("first_audio_utc", utterance.first_audio_at);
    line.number("tts_first_audio_ms", utterance.tts_first_audio_ms);
    line.number("delay_ms", utterance.delay_ms);
    line.number("rate", utterance.speaking_rate);
    line.print();
  }
  void end(const std::string& reason, const std::string& detail, const Report& report) override {
    JsonLine line("end");
    line.text("reason", reason);
    if (!detail.empty()) line.text("detail", detail);
    line.count("utterances", static_cast<int64_t>(report.delay.utterances));
    line.count("heard", static_cast<int64_t>(report.delay.heard));
    line.number("delay_p50_ms", report.delay.p50_ms);
    line.number("delay_p95_ms", report.delay.p95_ms);
    line.count("buckets", report.buckets);
    line.count("wav_files", report.wav_files);
    line.count("rows", report.rows);
    line.print();
    if (reason != "eos") std::fprintf(stderr, "dragoman simulate-call: %s\n", detail.c_str());
  }

 private:
  static void add_clause(JsonLine& line, const ReportedUtterance& utterance) {
    line.text("extension", utterance.extension);
    line.text("channel", utterance.channel);
    line.count("utterance", utterance.utterance);
    line.count("clause", utterance.clause);
    line.time("start_utc", utterance.start_at);
    line.time("end_utc", utterance.end_at);
    line.time("committed_utc", utterance.committed_at);
  }
  static void add_translation(JsonLine& line, const ReportedUtterance& utterance) {
    add_clause(line, utterance);
    line.text("source_text", utterance.text);
    line.text("source_language", utterance.language);
    line.text("text", utterance.translation);
    line.text("language", utterance.target_language);
    line.text("provider", utterance.translate_provider);
    line.time("translated_utc", utterance.translated_at);
    line.number("translation_ms", utterance.translation_ms);
  }
};

}  // namespace

std::unique_ptr<SimulateOutput> make_simulate_text_output() {
  return std::make_unique<TextOutput>();
}

std::unique_ptr<SimulateOutput> make_simulate_json_output() {
  return std::make_unique<JsonOutput>();
}

}  // namespace dragoman
