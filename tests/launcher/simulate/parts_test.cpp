// SPDX-License-Identifier: LGPL-2.1-or-later
// The parts of simulate-call: audio files, the exchange's phones, the child process, the watch.
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <thread>

#include "launcher/simulate/audio_files.h"
#include "launcher/simulate/call_watch.h"
#include "launcher/simulate/launcher_process.h"
#include "launcher/simulate/phone_exchange.h"
#include "launcher/simulate/rtp_audio.h"
#include "tests/launcher/store/store_fixture.h"

namespace dragoman {
namespace {

class SimulateParts : public StoreTest {};

std::string message_of(const std::function<void()>& body) {
  try {
    body();
    return "nothing was thrown";
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST_F(SimulateParts, what_is_written_reads_back_at_16_khz) {
  HeardAudio tone;
  for (int i = 0; i < 8000; ++i) {
    tone.samples.push_back(
        static_cast<int16_t>(10000 * std::sin(2 * std::numbers::pi * 440 * i / 8000)));
  }
  write_heard(folder() + "/tone.wav", tone);
  const std::vector<int16_t> samples = read_speech(folder() + "/tone.wav");
  EXPECT_NEAR(static_cast<double>(samples.size()), 16000, 100);
  EXPECT_NEAR(*std::max_element(samples.begin(), samples.end()), 10000, 200);
}

TEST_F(SimulateParts, a_file_that_is_no_audio_is_named) {
  std::ofstream(folder() + "/text.wav") << "not audio";
  for (const char* name : {"/text.wav", "/none.wav"}) {
    const std::string message = message_of([&] { read_speech(folder() + name); });
    EXPECT_NE(message.find(folder() + name), std::string::npos) << message;
  }
  EXPECT_NE(message_of([&] { write_heard(folder() + "/no/out.wav", {}); }).find("/no/out.wav"),
            std::string::npos);
}

class QuietListener : public SwitchboardListener {
 public:
  explicit QuietListener(PhoneExchange& exchange) : exchange_(exchange) {}
  void on_event(const std::string&) override {}
  int on_external_media(const SimulatedChannel& channel) override {
    return exchange_.on_external_media(channel);
  }
  void on_bridge_changed(const SimulatedBridge& bridge) override {
    exchange_.on_bridge_changed(bridge);
  }
  void on_channel_gone(const SimulatedChannel& channel) override {
    exchange_.on_channel_gone(channel);
  }

 private:
  PhoneExchange& exchange_;
};

TEST(PhoneExchange, audio_flows_while_phone_and_media_share_a_bridge) {
  PhoneExchange exchange;
  QuietListener listener(exchange);
  Switchboard switchboard("dragoman", listener);
  const std::string phone = switchboard.dial("3333", "1001");
  switchboard.add_bridge("b", "", "mixing");
  switchboard.join("b", phone);
  switchboard.add_external_media("em", "127.0.0.1:9", "slin16");
  switchboard.enter("em");
  EXPECT_EQ(exchange.phone(phone), nullptr);
  switchboard.join("b", "em");
  ASSERT_NE(exchange.phone(phone), nullptr);
  EXPECT_EQ(exchange.phone(phone)->port(), switchboard.channel("em")->media_port);
  const gint64 deadline = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;
  while (exchange.phone(phone)->counters().sent == 0 && g_get_monotonic_time() < deadline) {
    std::this_thread::yield();
  }
  switchboard.hang_up(phone);
  const uint64_t sent = exchange.phone(phone)->counters().sent;
  EXPECT_GT(sent, 0u);
  EXPECT_EQ(exchange.phone(phone)->counters().sent, sent) << "it is stopped";
  switchboard.remove_channel("em");
  EXPECT_NE(exchange.phone(phone), nullptr) << "what was heard is still to be had";
}

TEST_F(SimulateParts, a_child_is_ended_and_its_last_words_are_kept) {
  LauncherProcess child({"/bin/sh", "-c", "echo one; echo two >&2; exec sleep 100"}, {},
                        folder() + "/log");
  EXPECT_TRUE(child.is_running());
  const gint64 deadline = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;
  while (child.last_words() != "one\ntwo" && g_get_monotonic_time() < deadline) {
    g_main_context_iteration(nullptr, FALSE);
  }
  EXPECT_EQ(child.last_words(), "one\ntwo");
  child.stop();
  EXPECT_FALSE(child.is_running());
}

TEST_F(SimulateParts, a_child_that_ignores_sigterm_is_killed) {
  LauncherProcess child({"/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"},
                        {}, folder() + "/log");
  const gint64 deadline = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;
  while (child.last_words() != "ready" && g_get_monotonic_time() < deadline) {
    g_main_context_iteration(nullptr, FALSE);
  }
  child.stop(1);
  EXPECT_FALSE(child.is_running());
}

TEST_F(SimulateParts, a_program_that_is_not_there_is_refused) {
  const std::string message =
      message_of([this] { LauncherProcess child({"/no/such/program"}, {}, folder() + "/log"); });
  EXPECT_NE(message.find("/no/such/program"), std::string::npos) << message;
}

class Heard : public CallWatchListener {
 public:
  void on_transcript(const ReportedUtterance& each) override { steps += "h:" + each.text + ";"; }
  void on_translation(const ReportedUtterance& each) override {
    steps += "t:" + each.translation + ";";
  }
  void on_spoken(const ReportedUtterance& each) override { steps += "s:" + each.translation + ";"; }
  std::string steps;
};

TEST_F(SimulateParts, the_watch_tells_each_step_once) {
  Heard heard;
  CallWatch watch(path(), heard);
  watch.poll();
  auto journal = Journal::open(path());
  journal->append(trace_row());
  journal->append(heard_row());
  journal->flush();
  watch.poll();
  EXPECT_EQ(heard.steps, "h:good morning;");
  EXPECT_EQ(watch.unheard("3333"), 1u);
  UtteranceRow said = said_row("es", "buenos días");
  journal->append(said);
  journal->flush();
  watch.poll();
  said.first_audio_at = kNoon + 2 * kSecondNs;
  journal->append(said);
  journal->flush();
  watch.poll();
  watch.poll();
  EXPECT_EQ(heard.steps, "h:good morning;t:buenos días;s:buenos días;");
  EXPECT_EQ(watch.unheard("3333"), 0u);
  EXPECT_EQ(watch.heard("3333"), 1u);
  EXPECT_EQ(watch.heard("4444"), 0u);
}

}  // namespace
}  // namespace dragoman

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
