// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman run`, `print` and `check` as a user calls them.
#include <gio/gio.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <json-glib/json-glib.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "plugins/common/handles.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kTone[] = R"([pipeline]
description = Writes a tone
[parameters]
out   = path       file to write
count = int 3      buffers
text  = string ""  anything
[launch]
audiotestsrc num-buffers=${count} ! level interval=1000000 ! wavenc !
  taginject tags="title=\"two  spaces\"" !
  filesink location=${out}
)";

constexpr char kLive[] = R"([pipeline]
description = Never ends by itself
[parameters]
out = path   file to write
[launch]
audiotestsrc is-live=true samplesperbuffer=441 ! level interval=20000000 ! wavenc ! filesink location=${out}
)";

constexpr char kPlay[] = R"([pipeline]
description = Decodes a file, and hears something else besides
[parameters]
file = file        file to play
[launch]
filesrc location=${file} ! decodebin ! audioconvert ! fakesink
audiotestsrc num-buffers=3 ! fakesink
)";

constexpr char kDrop[] = R"([pipeline]
description = Of the source nothing arrives
[launch]
audiotestsrc num-buffers=3 ! identity drop-probability=1 ! fakesink
)";

struct Result {
  int status = 0;
  std::string out, err;
};

class CommandsTest : public testing::Test {
 protected:
  CommandsTest() {
    char name[] = "/tmp/dragoman-commands-XXXXXX";
    folder_ = mkdtemp(name);
    write("tone.pipeline", kTone);
    write("live.pipeline", kLive);
  }
  ~CommandsTest() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }
  std::string path(const std::string& name) { return (folder_ / name).string(); }

  static GObjectPtr<GSubprocess> spawn(const std::vector<std::string>& arguments) {
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    argv.push_back(nullptr);
    GError* error = nullptr;
    GObjectPtr<GSubprocess> process(g_subprocess_newv(
        argv.data(),
        GSubprocessFlags(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE), &error));
    EXPECT_TRUE(process) << error->message;
    return process;
  }

  static Result finish(GSubprocess* process) {
    char *out = nullptr, *err = nullptr;
    g_subprocess_communicate_utf8(process, nullptr, nullptr, &out, &err, nullptr);
    Result result{g_subprocess_get_if_exited(process) ? g_subprocess_get_exit_status(process) : -1,
                  out ? out : "", err ? err : ""};
    g_free(out);
    g_free(err);
    return result;
  }

  static Result dragoman(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), DRAGOMAN_PROGRAM);
    return finish(spawn(arguments).get());
  }

  fs::path folder_;
};

std::vector<GObjectPtr<JsonParser>> objects_of(const std::string& lines) {
  std::vector<GObjectPtr<JsonParser>> parsers;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    GObjectPtr<JsonParser> parser(json_parser_new());
    GError* error = nullptr;
    EXPECT_TRUE(json_parser_load_from_data(parser.get(), line.c_str(), -1, &error)) << line;
    parsers.push_back(std::move(parser));
  }
  return parsers;
}

std::string type_of(JsonParser* parser) {
  return json_object_get_string_member(json_node_get_object(json_parser_get_root(parser)), "type");
}

TEST_F(CommandsTest, RunEndsAtEosWithStatusZeroAndOneObjectALine) {
  const Result result = dragoman({"run", path("tone.pipeline"), "out=" + path("a.wav"), "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const auto objects = objects_of(result.out);
  ASSERT_GE(objects.size(), 2u);
  EXPECT_EQ(type_of(objects.front().get()), "level");
  JsonObject* level = json_node_get_object(json_parser_get_root(objects.front().get()));
  EXPECT_TRUE(json_object_has_member(level, "running_time")) << "keys have '_' for '-'";
  EXPECT_EQ(json_array_get_length(json_object_get_array_member(level, "rms")), 1u);
  EXPECT_EQ(type_of(objects.back().get()), "end");
  EXPECT_GT(fs::file_size(path("a.wav")), 1000u);
}

TEST_F(CommandsTest, RunFailsWithStatusOneAndSaysWhatTheElementSaid) {
  const Result result = dragoman({"run", path("tone.pipeline"), "out=/nowhere/a.wav"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("/nowhere/a.wav"));
}

TEST_F(CommandsTest, RunFailsWithStatusOneIfAFileHasNoAudio) {
  write("play.pipeline", kPlay);
  ASSERT_EQ(dragoman({"run", path("tone.pipeline"), "out=" + path("tone.wav")}).status, 0);
  const Result heard = dragoman({"run", path("play.pipeline"), "file=" + path("tone.wav")});
  EXPECT_EQ(heard.status, 0) << heard.err;
  fs::copy_file(path("tone.wav"), path("empty.wav"));
  fs::resize_file(path("empty.wav"), 44);  // the header alone
  const Result empty =
      dragoman({"run", path("play.pipeline"), "file=" + path("empty.wav"), "--json"});
  EXPECT_EQ(empty.status, 1);
  EXPECT_THAT(empty.err, HasSubstr("there is no audio in '" + path("empty.wav") + "'"));
  EXPECT_EQ(type_of(objects_of(empty.out).back().get()), "end");
}

TEST_F(CommandsTest, RunEndsWellWithoutAudioFromWhatIsNoFile) {
  write("drop.pipeline", kDrop);
  const Result result = dragoman({"run", path("drop.pipeline")});
  EXPECT_EQ(result.status, 0) << result.err;
}

TEST_F(CommandsTest, RunRefusesAWrongCallWithStatusTwoAndAWrongFileWithOne) {
  EXPECT_EQ(dragoman({"run"}).status, 2);
  EXPECT_EQ(dragoman({"run", path("tone.pipeline"), "--jsn"}).status, 2);
  EXPECT_EQ(dragoman({"run", path("tone.pipeline"), "word"}).status, 2);
  const Result missing = dragoman({"run", path("tone.pipeline")});
  EXPECT_EQ(missing.status, 1);
  EXPECT_THAT(missing.err, HasSubstr("tone.pipeline:4: no value for parameter 'out'"));
  EXPECT_THAT(dragoman({"run", "nosuch"}).err, HasSubstr("no pipeline file 'nosuch'"));
}

TEST_F(CommandsTest, RunEndsCleanlyOnAnInterrupt) {
  const auto process =
      spawn({DRAGOMAN_PROGRAM, "run", path("live.pipeline"), "out=" + path("live.wav"), "--json"});
  const GObjectPtr<GDataInputStream> lines(
      g_data_input_stream_new(g_subprocess_get_stdout_pipe(process.get())));
  std::string last;
  for (int i = 0; i < 3; ++i) {
    const CharPtr line(g_data_input_stream_read_line(lines.get(), nullptr, nullptr, nullptr));
    ASSERT_TRUE(line);
  }
  g_subprocess_send_signal(process.get(), SIGINT);
  while (char* line = g_data_input_stream_read_line(lines.get(), nullptr, nullptr, nullptr)) {
    last = CharPtr(line).get();
  }
  EXPECT_EQ(last, R"({"type":"end","reason":"stopped"})");
  g_subprocess_wait(process.get(), nullptr, nullptr);
  EXPECT_EQ(g_subprocess_get_exit_status(process.get()), 0);
  std::ifstream wav(path("live.wav"), std::ios::binary);
  char header[44];
  wav.read(header, sizeof header);
  const uint32_t size = static_cast<uint8_t>(header[40]) | static_cast<uint8_t>(header[41]) << 8;
  EXPECT_GT(size, 0u) << "wavenc writes the length when it sees EOS";
}

TEST_F(CommandsTest, WhatPrintPrintsRunsInGstLaunchUnquoted) {
  const std::string names[] = {"plain.wav",    "two words.wav", "a  -b.wav",    "q\"uote's.wav",
                               "back\\sl ash", "end\\",         "x ! fakesink", "*.wav",
                               "$HOME `id`",   "é ñ.wav"};
  for (const std::string& name : names) {
    const std::string script =
        "exec gst-launch-1.0 -q $('" DRAGOMAN_PROGRAM "' print \"$0\" \"out=$1\" count=4)";
    const Result result =
        finish(spawn({"sh", "-c", script, path("tone.pipeline"), path(name)}).get());
    EXPECT_EQ(result.status, 0) << name << ": " << result.err;
    EXPECT_TRUE(fs::exists(path(name))) << name;
  }
}

TEST_F(CommandsTest, CheckSaysOkOrEveryErrorAndFailsOnAny) {
  const Result good = dragoman({"check", folder_.string()});
  EXPECT_EQ(good.status, 0) << good.out;
  EXPECT_EQ(good.out, path("live.pipeline") + ": ok\n" + path("tone.pipeline") + ": ok\n");
  write("bad.pipeline", "[launch]\nfakesrc !\n x264enc ! fakesnk");
  const Result bad = dragoman({"check", folder_.string(), path("gone.pipeline")});
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.out, HasSubstr("bad.pipeline:3: no element 'x264enc'; apt-get install"));
  EXPECT_THAT(bad.out, HasSubstr("bad.pipeline:3: no element 'fakesnk'; did you mean 'fakesink'?"));
  EXPECT_THAT(bad.out, HasSubstr("tone.pipeline: ok"));
  EXPECT_THAT(bad.out, HasSubstr("gone.pipeline"));
  EXPECT_EQ(dragoman({"check"}).status, 2);
}

TEST_F(CommandsTest, RunHelpTellsWhatAFileTakes) {
  const Result result = dragoman({"run", path("tone.pipeline"), "--help"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, HasSubstr("Writes a tone"));
  EXPECT_THAT(result.out, HasSubstr("out=path"));
  EXPECT_THAT(result.out, HasSubstr("must be given"));
}

}  // namespace
}  // namespace dragoman
