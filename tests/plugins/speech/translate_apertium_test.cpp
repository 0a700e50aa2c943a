// SPDX-License-Identifier: LGPL-2.1-or-later
// The Apertium provider with the real programs, well and ill treated.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "plugins/speech/providers/translate/apertium.h"
#include "plugins/speech/providers/translate/process_chain.h"
#include "plugins/speech/providers/translate/walk.h"

namespace dragoman {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Status = TranslateResult::Status;

class FolderOfModes {
 public:
  FolderOfModes() {
    char pattern[] = "/tmp/dragoman-modes-XXXXXX";
    path_ = mkdtemp(pattern);
  }
  ~FolderOfModes() { std::filesystem::remove_all(path_); }
  void add(const std::string& name, const std::string& text) {
    std::ofstream(path_ / name) << text;
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TranslateRequest request(const std::string& text, const std::string& from, const std::string& to) {
  return {text, from, to, steady_clock::now() + 30s};
}

// A process that is no more, or only waits to be collected.
bool is_gone(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  auto bracket = text.rfind(')');
  return bracket == std::string::npos || text[bracket + 2] == 'Z' || text[bracket + 2] == 'X';
}

// From its input and files, so far.
uint64_t bytes_read_by(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/io");
  std::string key;
  uint64_t value = 0;
  file >> key >> value;
  return value;
}

bool all_gone_within(const std::vector<int>& pids, std::chrono::seconds limit) {
  auto deadline = steady_clock::now() + limit;
  while (steady_clock::now() < deadline) {
    if (std::all_of(pids.begin(), pids.end(), is_gone)) return true;
    std::this_thread::yield();
  }
  return false;
}

size_t open_descriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

TEST(Apertium, translates_both_ways) {
  ApertiumProvider apertium;
  EXPECT_EQ(apertium.translate(request("The blue house is big.", "en", "es")).text,
            "La casa azul es grande.");
  EXPECT_EQ(apertium.translate(request("La casa azul es grande.", "es", "en")).text,
            "The blue house is big.");
}

TEST(Apertium, answers_every_kind_of_text_and_stays_in_step) {
  ApertiumProvider apertium;
  for (std::string text :
       {"", " ", ".", "a[b]{c}^d$/e\\f@g<h>", "[[t:b:x]]", "\\", "^x/y<n>$", "*", "Señor ñandú…",
        "日本語", "\xff\xfe", "a\nb", "?!", "~", "[", "]", "$^"}) {
    auto answer = apertium.translate(request(text, "en", "es"));
    EXPECT_NE(answer.status, Status::failed) << text << ": " << answer.error;
  }
  EXPECT_EQ(apertium.translate(request(std::string("a\0b", 3), "en", "es")).status,
            Status::translated);
  EXPECT_EQ(apertium.translate(request("house", "en", "es")).text, "casa");
  EXPECT_EQ(apertium.translate(request("The frobnicator is big.", "en", "es")).text,
            "El frobnicator es grande.");
}

TEST(Apertium, text_without_end_is_refused) {
  ApertiumProvider apertium;
  auto answer = apertium.translate(request(std::string(20000, 'a'), "en", "es"));
  EXPECT_EQ(answer.status, Status::failed);
  EXPECT_THAT(answer.error, HasSubstr("longer than"));
}

TEST(Apertium, warm_answers_take_milliseconds) {
  ApertiumProvider apertium;
  ASSERT_EQ(apertium.prepare("en", "es"), "");
  std::vector<double> took;
  for (int i = 0; i < 50; ++i) {
    auto began = steady_clock::now();
    auto answer = apertium.translate(
        request("I would like to know when train " + std::to_string(i) + " leaves.", "en", "es"));
    ASSERT_EQ(answer.status, Status::translated);
    took.push_back(std::chrono::duration<double, std::milli>(steady_clock::now() - began).count());
  }
  std::sort(took.begin(), took.end());
  RecordProperty("p50_ms", std::to_string(took[25]));
  EXPECT_LT(took[25], 50.0);
}

// Every stage in turn, between two sentences.
TEST(Apertium, killed_between_sentences_is_replaced_and_no_sentence_lost) {
  ApertiumProvider apertium;
  ASSERT_EQ(apertium.prepare("en", "es"), "");
  size_t stages = apertium.pids("en", "es").size();
  ASSERT_GE(stages, 10u);
  for (size_t i = 0; i < stages; i += 3) {
    auto pids = apertium.pids("en", "es");
    ASSERT_EQ(kill(pids[i], SIGKILL), 0);
    ASSERT_TRUE(all_gone_within({pids[i]}, 5s));
    EXPECT_EQ(apertium.translate(request("house", "en", "es")).text, "casa");
    EXPECT_NE(apertium.pids("en", "es"), pids);
    EXPECT_TRUE(all_gone_within(pids, 5s));
  }
}

TEST(Apertium, killed_over_a_sentence_fails_and_the_walk_asks_again) {
  auto apertium = std::make_shared<ApertiumProvider>();
  ASSERT_EQ(apertium->prepare("en", "es"), "");
  auto pids = apertium->pids("en", "es");
  ASSERT_EQ(kill(pids[4], SIGSTOP), 0);  // so that the sentence waits in there
  uint64_t had_read = bytes_read_by(pids[0]);
  std::thread killer([&] {
    // Once the first program has taken the sentence up.
    for (auto deadline = steady_clock::now() + 10s;
         steady_clock::now() < deadline && bytes_read_by(pids[0]) == had_read;)
      std::this_thread::yield();
    kill(pids[4], SIGKILL);
  });
  auto result = translate_through({{"apertium", apertium, ""}}, "house", "en", "es");
  killer.join();
  EXPECT_EQ(result.text, "casa");
  EXPECT_EQ(result.provider, "apertium");
  ASSERT_THAT(result.failures, SizeIs(1));
  EXPECT_EQ(result.failures[0].next, "apertium");
  EXPECT_THAT(result.failures[0].error, HasSubstr("killed by signal 9"));
}

TEST(Apertium, hung_is_killed_and_the_walk_asks_a_new_one) {
  ApertiumOptions options;
  options.answer_timeout = 700ms;
  auto apertium = std::make_shared<ApertiumProvider>(options);
  ASSERT_EQ(apertium->prepare("en", "es"), "");
  auto pids = apertium->pids("en", "es");
  ASSERT_EQ(kill(pids[6], SIGSTOP), 0);
  auto began = steady_clock::now();
  auto result = translate_through({{"apertium", apertium, ""}}, "The house is big.", "en", "es");
  EXPECT_LT(steady_clock::now() - began, 10s);
  EXPECT_EQ(result.text, "La casa es grande.");
  ASSERT_THAT(result.failures, SizeIs(1));
  EXPECT_THAT(result.failures[0].error, HasSubstr("hung"));
  EXPECT_TRUE(all_gone_within(pids, 5s));
}

TEST(Apertium, leaves_no_process_and_no_descriptor) {
  size_t before = open_descriptors();
  std::vector<int> pids;
  {
    ApertiumProvider apertium;
    for (int i = 0; i < 3; ++i) {
      ASSERT_EQ(apertium.prepare("en", "es"), "");
      auto some = apertium.pids("en", "es");
      pids.insert(pids.end(), some.begin(), some.end());
      kill(some[2], SIGKILL);
    }
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_TRUE(all_gone_within(pids, 5s));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a child was not collected";
  EXPECT_EQ(errno, ECHILD);
}

TEST(Apertium, programs_hold_no_descriptor_but_their_own) {
  ApertiumProvider apertium;
  int inherited[2];
  ASSERT_EQ(pipe(inherited), 0);  // of another part of the process, careless
  ASSERT_EQ(apertium.prepare("en", "es"), "");
  close(inherited[0]);
  close(inherited[1]);
  for (int pid : apertium.pids("en", "es"))
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
      std::error_code error;
      auto target = std::filesystem::read_symlink(entry.path(), error).string();
      bool channel = target.starts_with("pipe:") || target.starts_with("socket:");
      if (channel) {
        EXPECT_LE(std::stoi(entry.path().filename()), 2) << target;
      }
    }
}

TEST(Apertium, programs_die_with_a_killed_worker) {
  int tell[2];
  ASSERT_EQ(pipe(tell), 0);
  pid_t worker = fork();
  if (worker == 0) {
    close(tell[0]);
    ApertiumProvider apertium;
    apertium.prepare("en", "es");
    auto pids = apertium.pids("en", "es");
    kill(pids[1], SIGSTOP);  // one that would not notice the end of its input
    [[maybe_unused]] auto written = write(tell[1], pids.data(), pids.size() * sizeof(int));
    close(tell[1]);
    pause();
    _exit(0);
  }
  close(tell[1]);
  std::vector<int> pids;
  for (int pid; read(tell[0], &pid, sizeof pid) == sizeof pid;) pids.push_back(pid);
  close(tell[0]);
  ASSERT_THAT(pids, Not(IsEmpty()));
  kill(worker, SIGKILL);
  waitpid(worker, nullptr, 0);
  EXPECT_TRUE(all_gone_within(pids, 5s));
}

TEST(Apertium, interrupt_ends_a_wait) {
  ApertiumProvider apertium;
  ASSERT_EQ(apertium.prepare("en", "es"), "");
  kill(apertium.pids("en", "es")[3], SIGSTOP);
  std::thread interrupter([&] { apertium.interrupt(); });
  auto began = steady_clock::now();
  auto answer = apertium.translate(request("house", "en", "es"));
  interrupter.join();
  EXPECT_EQ(answer.status, Status::failed);
  EXPECT_LT(steady_clock::now() - began, 1500ms);
}

class PathOf {
 public:
  explicit PathOf(const char* path) : before_(std::getenv("PATH")) { setenv("PATH", path, 1); }
  ~PathOf() { setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

TEST(Apertium, that_is_not_installed_names_its_package) {
  ApertiumProvider apertium;
  PathOf nowhere("/nonexistent");
  auto answer = apertium.translate(request("house", "en", "es"));
  EXPECT_EQ(answer.status, Status::failed);
  EXPECT_FALSE(answer.worth_retrying);
  EXPECT_THAT(answer.error, HasSubstr("lt-proc is not installed: apt-get install apertium"));
}

TEST(Apertium, pair_that_is_not_installed_names_its_package) {
  ApertiumProvider apertium;
  EXPECT_THAT(apertium.translate(request("casa", "pt", "ca")).error,
              HasSubstr("apt-get install apertium-por-cat"));
  ApertiumOptions options;
  options.modes_dir = "/nonexistent/modes";
  ApertiumProvider nothing(options);
  EXPECT_THAT(nothing.translate(request("house", "en", "es")).error,
              HasSubstr("/nonexistent/modes is missing: apt-get install apertium-eng-spa"));
}

TEST(Apertium, broken_mode_file_or_data_is_a_failure_that_says_what) {
  FolderOfModes modes;
  modes.add("eng-spa.mode", "  \n");
  modes.add("spa-eng.mode", "lt-proc '/nonexistent.bin'");
  ApertiumOptions options;
  options.modes_dir = modes.path();
  ApertiumProvider apertium(options);
  EXPECT_THAT(apertium.translate(request("house", "en", "es")).error,
              HasSubstr("is not a mode file"));
  auto answer = apertium.translate(request("casa", "es", "en"));
  EXPECT_EQ(answer.status, Status::failed);
  EXPECT_THAT(answer.error, HasSubstr("lt-proc ended with status 1"));
}

TEST(Apertium, program_that_floods_its_messages_does_not_hang) {
  ProcessChain chain;
  Spawner spawner;
  ASSERT_EQ(
      chain.start({{"sh", "-c",
                    "i=0; while [ $i -lt 3000 ]; do echo "
                    "0123456789012345678901234567890123456789 >&2; i=$((i+1)); done; exec cat"}},
                  spawner),
      "");
  auto answer = chain.exchange(std::string("a\0", 2), steady_clock::now() + 20s, -1);
  EXPECT_EQ(answer.status, ProcessChain::Answer::Status::complete);
  EXPECT_EQ(answer.text, "a");
}

TEST(Apertium, requests_of_many_threads_take_turns) {
  ApertiumProvider apertium;
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 10; ++k) {
        std::string number = std::to_string(i * 1000 + k);
        if (apertium.translate(request(number + " houses", "en", "es")).text == number + " casas")
          ++right;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 40);
}

}  // namespace
}  // namespace dragoman
