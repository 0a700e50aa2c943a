// SPDX-License-Identifier: LGPL-2.1-or-later
// The pipelines that an engineer runs by hand: listen, compare, gateway.
#include <gio/gio.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <json-glib/json-glib.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <set>
#include <sstream>

#include "plugins/common/handles.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr char kPrompt[] = "/usr/share/asterisk/sounds/en_US_f_Allison/vm-goodbye.wav";

struct Result {
  int status = -1;
  std::string out, err;
};

GObjectPtr<GSubprocess> spawn(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  return GObjectPtr<GSubprocess>(g_subprocess_newv(
      argv.data(),
      GSubprocessFlags(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE), nullptr));
}

Result finish(GSubprocess* process) {
  char *out = nullptr, *err = nullptr;
  g_subprocess_communicate_utf8(process, nullptr, nullptr, &out, &err, nullptr);
  Result result{g_subprocess_get_if_exited(process) ? g_subprocess_get_exit_status(process) : -1,
                out ? out : "", err ? err : ""};
  g_free(out);
  g_free(err);
  return result;
}

Result run(const std::vector<std::string>& arguments) { return finish(spawn(arguments).get()); }

/// A line of --json.
struct Line {
  explicit Line(const std::string& text) : parser(json_parser_new()) {
    EXPECT_TRUE(json_parser_load_from_data(parser.get(), text.c_str(), -1, nullptr)) << text;
    object = json_node_get_object(json_parser_get_root(parser.get()));
  }
  std::string text(const char* key) const {
    return json_object_get_string_member_with_default(object, key, "");
  }
  double number(const char* key) const {
    return json_object_get_double_member_with_default(object, key, -1);
  }
  GObjectPtr<JsonParser> parser;
  JsonObject* object = nullptr;
};

std::vector<Line> lines_of(const std::string& output) {
  std::vector<Line> lines;
  std::istringstream in(output);
  for (std::string line; std::getline(in, line);) lines.emplace_back(line);
  return lines;
}

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    g_setenv("DRAGOMAN_PIPELINES", DRAGOMAN_PIPELINES, TRUE);
    char name[] = "/tmp/dragoman-files-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~FilesTest() override { fs::remove_all(folder_); }
  fs::path folder_;
};

TEST_F(FilesTest, ListenGivesTranscriptAndTranslationAndEndsByItself) {
  if (!fs::exists(kPrompt)) GTEST_SKIP() << "asterisk-core-sounds-en-wav is not installed";
  const Result result =
      run({DRAGOMAN_PROGRAM, "run", "listen", std::string("file=") + kPrompt, "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  std::string heard, translated;
  const auto lines = lines_of(result.out);
  for (const Line& line : lines) {
    if (line.text("type") == "transcript" &&
        json_object_get_boolean_member(line.object, "is_final")) {
      heard += line.text("text");
      EXPECT_EQ(line.text("language"), "en");
      EXPECT_GE(line.number("start"), 0);
      EXPECT_GT(line.number("end"), line.number("start"));
    } else if (line.text("type") == "translation") {
      translated += line.text("text");
      EXPECT_EQ(line.text("language"), "es");
    }
  }
  EXPECT_THAT(heard, testing::MatchesRegex(".*[Gg]ood-?bye.*"));
  EXPECT_THAT(translated, testing::Not(testing::IsEmpty()));
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.back().text("type"), "end");
  EXPECT_EQ(lines.back().text("reason"), "eos");
}

TEST_F(FilesTest, ListenRunsInGstLaunchAsPrintedAndEndsThereToo) {
  if (!fs::exists(kPrompt)) GTEST_SKIP() << "asterisk-core-sounds-en-wav is not installed";
  const fs::path copy = folder_ / "a prompt.wav";
  fs::copy(kPrompt, copy);
  const Result result =
      run({"sh", "-c",
           "exec timeout 60 gst-launch-1.0 -m $('" DRAGOMAN_PROGRAM "' print listen \"file=$0\")",
           copy.string()});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("translation, "));
  EXPECT_THAT(result.out, HasSubstr("Got EOS"));
}

TEST_F(FilesTest, ListenSaysWhatIsWrongWithAFile) {
  const Result result = run({DRAGOMAN_PROGRAM, "run", "listen", "file=/bin/true"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, testing::Not(testing::IsEmpty()));
  EXPECT_THAT(run({DRAGOMAN_PROGRAM, "run", "listen", "file=/nowhere.wav"}).err,
              HasSubstr("'/nowhere.wav' cannot be read"));
}

TEST_F(FilesTest, CompareWritesAndMeasuresBothSidesOfTheDsp) {
  if (!fs::exists(kPrompt)) GTEST_SKIP() << "asterisk-core-sounds-en-wav is not installed";
  const Result result = run({DRAGOMAN_PROGRAM, "run", "compare", std::string("file=") + kPrompt,
                             "out=" + folder_.string(), "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  std::set<std::string> taps;
  std::map<std::string, guint64> frames;
  for (const Line& line : lines_of(result.out)) {
    if (line.text("type") == "segment") {
      EXPECT_TRUE(fs::exists(line.text("location")));
      frames[line.text("tap")] += static_cast<guint64>(line.number("frames"));
    } else if (line.text("type") == "bucket") {
      taps.insert(line.text("tap"));
      JsonObject* metrics = json_object_get_object_member(line.object, "metrics");
      ASSERT_TRUE(json_object_has_member(metrics, "audio_level_dbfs"));
    }
  }
  EXPECT_EQ(taps, (std::set<std::string>{"PRE", "POST"}));
  EXPECT_GT(frames["PRE"], 8000u);
  EXPECT_NEAR(static_cast<double>(frames["POST"]), static_cast<double>(frames["PRE"]), 800);
}

TEST_F(FilesTest, NothingIsLeftAliveWhenARunEnds) {
  if (!fs::exists(kPrompt)) GTEST_SKIP() << "asterisk-core-sounds-en-wav is not installed";
  const std::string file = std::string("file=") + kPrompt;
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"run", "listen", file},
        {"run", "compare", file, "out=" + folder_.string()},
        {"check", DRAGOMAN_PIPELINES}}) {
    std::vector<std::string> words = {"env", "GST_TRACERS=leaks", "GST_DEBUG=GST_TRACER:7",
                                      "GST_DEBUG_NO_COLOR=1", DRAGOMAN_PROGRAM};
    words.insert(words.end(), command.begin(), command.end());
    const Result result = run(words);
    EXPECT_EQ(result.status, 0) << result.err;
    std::istringstream lines(result.err);
    for (std::string line; std::getline(lines, line);) {
      const bool alive = line.find("object-alive, ") != std::string::npos &&
                         line.find("address=(gpointer)0x") != std::string::npos;
      EXPECT_FALSE(alive) << line;
    }
  }
}

TEST_F(FilesTest, GatewayForwardsEveryPacketAsItIsAndEndsOnSigterm) {
  const GObjectPtr<GSocket> out(
      g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, nullptr));
  const GObjectPtr<GSocket> probe(
      g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, nullptr));
  const auto bind = [](GSocket* socket) {
    const GObjectPtr<GSocketAddress> any(g_inet_socket_address_new_from_string("127.0.0.1", 0));
    g_socket_bind(socket, any.get(), FALSE, nullptr);
    const GObjectPtr<GSocketAddress> bound(g_socket_get_local_address(socket, nullptr));
    return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound.get()));
  };
  const auto to = bind(out.get()), port = bind(probe.get());
  g_socket_close(probe.get(), nullptr);
  const auto gateway = spawn({DRAGOMAN_PROGRAM, "run", "gateway", "address=127.0.0.1",
                              "port=" + std::to_string(port), "to=" + std::to_string(to)});
  const GObjectPtr<GSocket> in(
      g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, nullptr));
  const GObjectPtr<GSocketAddress> target(g_inet_socket_address_new_from_string("127.0.0.1", port));
  char packet[1500] = {};
  g_socket_set_timeout(out.get(), 1);
  gssize received = -1;
  for (int i = 0; i < 20 && received < 0; ++i) {  // until it listens
    g_socket_send_to(in.get(), target.get(), "hello", 5, nullptr, nullptr);
    received = g_socket_receive(out.get(), packet, sizeof packet, nullptr, nullptr);
  }
  ASSERT_EQ(received, 5);
  while (g_socket_condition_timed_wait(out.get(), G_IO_IN, 50'000, nullptr, nullptr)) {
    g_socket_receive(out.get(), packet, sizeof packet, nullptr, nullptr);
  }
  for (char i = 0; i < 50; ++i) {
    const std::string sent(static_cast<size_t>(160 + i), i);
    g_socket_send_to(in.get(), target.get(), sent.data(), sent.size(), nullptr, nullptr);
    received = g_socket_receive(out.get(), packet, sizeof packet, nullptr, nullptr);
    ASSERT_EQ(received, static_cast<gssize>(sent.size()));
    ASSERT_EQ(std::memcmp(packet, sent.data(), sent.size()), 0);
  }
  g_subprocess_send_signal(gateway.get(), SIGTERM);
  EXPECT_EQ(finish(gateway.get()).status, 0);
}

}  // namespace
}  // namespace dragoman
