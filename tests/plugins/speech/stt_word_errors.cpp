// SPDX-License-Identifier: LGPL-2.1-or-later
// stt_word_errors LANGUAGE PROMPTS LIMIT [paced]: has sttsink hear that many of Debian's telephone
// prompts and compares with their transcripts. Prints what differs and the word error rate; fails
// if it is over LIMIT percent. `paced`: at the speed of speech, as in a call, with
// the delay from the end of speech to the commit.
#include <gst/gst.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "plugins/common/handles.h"
#include "plugins/speech/providers/stt/words.h"
#include "plugins/speech/sttsink.h"

namespace {

using dragoman::GstObjectPtr;
using dragoman::stt::Word;

constexpr int kSkipped = 77;  // Meson's exit status for a skipped test
constexpr size_t kAtATime = 1;
constexpr GstClockTime kLongestRun = 120 * GST_SECOND;

struct Prompt {
  std::string file, transcript;
};

struct Heard {
  std::string text;
  std::vector<double> delays_ms;
};

std::string read_gzipped(const std::string& path) {
  const std::string command = "zcat " + path;
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  char block[4096];
  while (size_t size = fread(block, 1, sizeof block, pipe)) text.append(block, size);
  pclose(pipe);
  return text;
}

// Sentences, not the announcements of a word or a tone; spread over the whole list.
std::vector<Prompt> prompts(const std::string& language, size_t count) {
  const std::string folder = "/usr/share/asterisk/sounds/" +
                             std::string(language == "en" ? "en_US_f_Allison" : "es_MX_f_Allison");
  const std::string list =
      "/usr/share/doc/asterisk-core-sounds-" + language + "/core-sounds-" + language + ".txt.gz";
  std::vector<Prompt> all;
  g_auto(GStrv) lines = g_strsplit(read_gzipped(list).c_str(), "\n", -1);
  for (char** line = lines; *line; ++line) {
    const char* const colon = strstr(*line, ": ");
    if (!colon || **line == ';') continue;
    const std::string file =
        folder + "/" + std::string(static_cast<const char*>(*line), colon) + ".wav";
    const std::string transcript = colon + 2;
    const bool sentence = transcript.size() >= 40 && transcript.size() <= 300 &&
                          transcript.find_first_of("[](<") == transcript.npos;
    if (sentence && std::filesystem::exists(file)) all.push_back({file, transcript});
  }
  std::vector<Prompt> chosen;
  for (size_t i = 0; i < count && i < all.size(); ++i) {
    chosen.push_back(all[i * all.size() / std::min(count, all.size())]);
  }
  return chosen;
}

// Digits as words, no accents: the transcripts write both ways.
std::vector<Word> comparable(const std::string& text, const std::string& language) {
  static const std::map<std::string, std::vector<std::string>> kDigits = {
      {"en", {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}},
      {"es", {"cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"}}};
  std::string spaced = text;
  std::ranges::replace_if(
      spaced, [](char c) { return c == '-' || c == '/'; }, ' ');
  g_autofree char* plain = g_str_to_ascii(spaced.c_str(), "es");
  std::vector<Word> words = dragoman::stt::split_words(plain);
  for (Word& word : words) {
    if (word.key.size() == 1 && g_ascii_isdigit(word.key[0])) {
      word.key = kDigits.at(language)[static_cast<size_t>(word.key[0] - '0')];
    }
  }
  return words;
}

size_t edits(const std::vector<Word>& said, const std::vector<Word>& heard) {
  std::vector<size_t> row(heard.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < said.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < heard.size(); ++j) {
      const size_t substituted = diagonal + (said[i] == heard[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

GstObjectPtr<GstElement> start(const Prompt& prompt, const std::string& language, bool paced) {
  // Silence after the prompt lets the speaker's end be found as in a call.
  const std::string launch =
      "concat name=all ! audioconvert ! audioresample ! audio/x-raw,rate=16000,channels=1 ! " +
      std::string(paced ? "audiobuffersplit output-buffer-duration=1/50 ! identity sync=true ! "
                        : "") +
      "sttsink language=" + language + " filesrc location=" + prompt.file +
      " ! wavparse ! audioconvert ! audio/x-raw,format=S16LE,rate=8000,channels=1 ! all. "
      "audiotestsrc wave=silence num-buffers=50 samplesperbuffer=160 ! "
      "audio/x-raw,format=S16LE,rate=8000,channels=1 ! all.";
  GError* error = nullptr;
  GstObjectPtr<GstElement> pipeline(gst_parse_launch(launch.c_str(), &error));
  if (error) {
    std::printf("%s\n", error->message);
    g_clear_error(&error);
    return nullptr;
  }
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  return pipeline;
}

bool finish(GstElement* pipeline, bool paced, Heard& heard) {
  GstObjectPtr<GstBus> bus(gst_element_get_bus(pipeline));
  bool ended = false;
  constexpr auto kTypes =
      static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_ELEMENT);
  while (GstMessage* message = gst_bus_timed_pop_filtered(bus.get(), kLongestRun, kTypes)) {
    const bool over = GST_MESSAGE_TYPE(message) != GST_MESSAGE_ELEMENT;
    const GstStructure* fields = gst_message_get_structure(message);
    gboolean is_final = FALSE;
    if (!over && gst_structure_has_name(fields, "transcript") &&
        gst_structure_get_boolean(fields, "is-final", &is_final) && is_final) {
      heard.text += std::string(gst_structure_get_string(fields, "text")) + " ";
      guint64 end = 0, committed = 0;
      gst_structure_get_uint64(fields, "end-utc", &end);
      gst_structure_get_uint64(fields, "committed-utc", &committed);
      heard.delays_ms.push_back((static_cast<double>(committed) - static_cast<double>(end)) / 1e6);
    }
    ended = ended || GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;
    gst_message_unref(message);
    if (over) break;
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return ended;
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  gst_init(nullptr, nullptr);
  GST_ELEMENT_REGISTER(sttsink, nullptr);
  const std::string language = argv[1];
  const bool paced = argc > 4 && std::string(argv[4]) == "paced";
  const std::vector<Prompt> chosen = prompts(language, std::stoul(argv[2]));
  if (chosen.empty()) {
    std::printf("asterisk-core-sounds-%s and its wav files are not installed\n", argv[1]);
    return kSkipped;
  }
  size_t words = 0, errors = 0;
  std::vector<double> delays_ms;
  std::deque<std::pair<Prompt, GstObjectPtr<GstElement>>> running;
  for (size_t next = 0; next < chosen.size() || !running.empty();) {
    while (next < chosen.size() && running.size() < (paced ? kAtATime : 1)) {
      running.emplace_back(chosen[next], start(chosen[next], language, paced));
      ++next;
    }
    auto [prompt, pipeline] = std::move(running.front());
    running.pop_front();
    Heard heard;
    if (!pipeline || !finish(pipeline.get(), paced, heard)) {
      std::printf("%s: the pipeline failed\n", prompt.file.c_str());
      return 1;
    }
    const std::vector<Word> said = comparable(prompt.transcript, language);
    const size_t wrong = edits(said, comparable(heard.text, language));
    words += said.size();
    errors += wrong;
    delays_ms.insert(delays_ms.end(), heard.delays_ms.begin(), heard.delays_ms.end());
    if (wrong > 0) {
      std::printf("%zu: %s\n  said:  %s\n  heard: %s\n", wrong, prompt.file.c_str(),
                  prompt.transcript.c_str(), heard.text.c_str());
    }
  }
  const double rate = 100.0 * static_cast<double>(errors) / static_cast<double>(words);
  std::printf("%s: %zu prompts, %zu words, %zu wrong: %.1f %%\n", argv[1], chosen.size(), words,
              errors, rate);
  if (paced) {
    std::printf("end of speech to commit: %zu clauses, p50 %.0f ms, p95 %.0f ms\n",
                delays_ms.size(), percentile(delays_ms, 0.5), percentile(delays_ms, 0.95));
  }
  return rate <= std::stod(argv[3]) ? 0 : 1;
}
