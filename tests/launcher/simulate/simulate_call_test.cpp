// SPDX-License-Identifier: LGPL-2.1-or-later
// `dragoman simulate-call` as a user runs it, with the real engines.
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <regex>

namespace dragoman {
namespace {

constexpr char kPrompt[] = "/usr/share/asterisk/sounds/en_US_f_Allison/vm-nobodyavail.wav";
constexpr char kConfig[] =
    "[extension 3333]\nlanguage = en\npartner = 4444\n"
    "[extension 4444]\nlanguage = es\npartner = 3333\n"
    "[extension 5555]\nlanguage = en\n";

struct Outcome {
  int status = -1;
  std::string out, errors;
};

class SimulateCall : public testing::Test {
 protected:
  SimulateCall() {
    g_autofree char* made = g_dir_make_tmp("dragoman-simulate-XXXXXX", nullptr);
    folder_ = made;
    std::ofstream(folder_ + "/dragoman.conf") << kConfig;
    std::filesystem::create_directory(folder_ + "/tmp");
  }
  ~SimulateCall() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  /// Starts dragoman with `arguments`; its temporary files go to folder/tmp.
  GSubprocess* start(const std::vector<std::string>& arguments) {
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(static_cast<GSubprocessFlags>(G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                                                G_SUBPROCESS_FLAGS_STDERR_PIPE));
    g_subprocess_launcher_setenv(launcher, "TMPDIR", (folder_ + "/tmp").c_str(), TRUE);
    std::vector<const char*> argv = {DRAGOMAN_PROGRAM};
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    argv.push_back(nullptr);
    return g_subprocess_launcher_spawnv(launcher, argv.data(), nullptr);
  }

  Outcome run(const std::vector<std::string>& arguments) {
    g_autoptr(GSubprocess) process = start(arguments);
    g_autofree char *out = nullptr, *errors = nullptr;
    g_subprocess_communicate_utf8(process, nullptr, nullptr, &out, &errors, nullptr);
    return {g_subprocess_get_exit_status(process), out ? out : "", errors ? errors : ""};
  }

  std::vector<std::string> call(const std::string& extension, const std::string& speech,
                                const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"simulate-call", extension,  "--speech",
                                          speech,          "--config", folder_ + "/dragoman.conf"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  bool has_left_nothing() const { return std::filesystem::is_empty(folder_ + "/tmp"); }

  std::string folder_;
};

TEST_F(SimulateCall, names_what_is_wrong_before_it_starts_anything) {
  const Outcome unknown = run(call("7777", kPrompt));
  EXPECT_EQ(unknown.status, 1);
  EXPECT_NE(unknown.errors.find("7777"), std::string::npos) << unknown.errors;
  EXPECT_NE(unknown.errors.find("3333, 4444, 5555"), std::string::npos) << unknown.errors;
  const Outcome alone = run(call("5555", kPrompt));
  EXPECT_EQ(alone.status, 1);
  EXPECT_NE(alone.errors.find("no partner"), std::string::npos) << alone.errors;
  const Outcome missing = run(call("3333", folder_ + "/none.wav"));
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.errors.find("/none.wav"), std::string::npos) << missing.errors;
  EXPECT_EQ(run({"simulate-call", "3333"}).status, 2);
  EXPECT_EQ(run({"simulate-call", "--speech", kPrompt}).status, 2);
  EXPECT_TRUE(has_left_nothing());
}

TEST_F(SimulateCall, a_prompt_is_heard_in_spanish_by_the_partner) {
  if (::access(kPrompt, R_OK) != 0) GTEST_SKIP() << kPrompt << " is not installed";
  const std::string heard = folder_ + "/heard.wav", kept = folder_ + "/kept";
  const Outcome outcome = run(call("3333", kPrompt, {"--heard", heard, "--keep", kept, "--json"}));
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  for (const char* part : {"\"type\":\"transcript\"", "\"type\":\"translation\"",
                           "\"type\":\"spoken\"", "\"reason\":\"eos\""}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << " in " << outcome.out;
  }
  EXPECT_TRUE(std::filesystem::exists(kept + "/dragoman.db"));
  // What the partner's phone recorded, transcribed back.
  const Outcome back =
      run({"run", "listen.pipeline", "file=" + heard, "language=es", "to=en", "--json"});
  EXPECT_EQ(back.status, 0) << back.errors;
  for (const char* word : {"nadie", "llamada", "momento"}) {
    const std::regex pattern(word, std::regex::icase);
    EXPECT_TRUE(std::regex_search(back.out, pattern)) << word << " in " << back.out;
  }
}

TEST_F(SimulateCall, ctrl_c_ends_everything_that_was_started) {
  if (::access(kPrompt, R_OK) != 0) GTEST_SKIP() << kPrompt << " is not installed";
  const std::string kept = folder_ + "/kept";
  g_autoptr(GSubprocess) process = start(call("3333", kPrompt, {"--keep", kept}));
  GInputStream* out = g_subprocess_get_stdout_pipe(process);
  std::string text;
  char buffer[256];
  while (text.find("speaking") == std::string::npos) {
    const gssize size = g_input_stream_read(out, buffer, sizeof buffer, nullptr, nullptr);
    ASSERT_GT(size, 0) << text;
    text.append(buffer, static_cast<size_t>(size));
  }
  pid_t launcher = 0;
  std::ifstream(kept + "/launcher.lock") >> launcher;
  ASSERT_GT(launcher, 0);
  ASSERT_EQ(::kill(launcher, 0), 0);
  g_subprocess_send_signal(process, SIGINT);
  g_subprocess_wait(process, nullptr, nullptr);
  EXPECT_EQ(g_subprocess_get_exit_status(process), 130);
  EXPECT_NE(::kill(launcher, 0), 0) << "the launcher still runs";
  EXPECT_TRUE(has_left_nothing());
}

}  // namespace
}  // namespace dragoman
