// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens to calls while Asterisk or the launcher is away.
#include <libsoup/soup.h>

#include "tests/launcher/calls/calls_fixture.h"

namespace dragoman {
namespace {

using fakes::run_for;
using fakes::wait_until;
using testing::HasSubstr;

class ReconcileTest : public CallsTest {
 protected:
  bool connected_again() {
    return wait_until([&] { return server.clients() == 1 && client->connected(); });
  }
};

TEST_F(ReconcileTest, ACallSurvivesTheDropOfTheWebSocket) {
  const std::string channel = server.place_call("3333");
  ASSERT_TRUE(up(1));
  const std::string leg = workers.running.begin()->first;
  server.drop_websockets();
  ASSERT_TRUE(wait_until([&] { return !client->connected(); }));
  ASSERT_TRUE(connected_again());
  run_for(100);
  EXPECT_EQ(calls->count(), 1u);
  EXPECT_TRUE(workers.running.contains(leg));
  server.hang_up(channel);
  EXPECT_TRUE(all_gone());
}

TEST_F(ReconcileTest, AHangUpThatNobodyHeardOfIsNoticed) {
  const std::string channel = server.place_call("3333");
  ASSERT_TRUE(up(1));
  server.misbehave.lose_events = true;
  server.hang_up(channel);
  run_for(30);
  EXPECT_EQ(calls->count(), 1u);
  server.misbehave.lose_events = false;
  server.drop_websockets();
  EXPECT_TRUE(all_gone()) << all_lines();
  EXPECT_THAT(all_lines(), HasSubstr("had gone when Asterisk was reached again"));
}

TEST_F(ReconcileTest, ACallThatCameMeanwhileIsTaken) {
  server.misbehave.lose_events = true;
  server.place_call("3333");
  run_for(30);
  server.misbehave.lose_events = false;
  EXPECT_EQ(calls->count(), 0u);
  server.drop_websockets();
  EXPECT_TRUE(up(1)) << all_lines();
}

TEST_F(ReconcileTest, AMediaChannelThatCameMeanwhileCompletesTheSetUp) {
  stop_launcher();
  config.ari.timeout_ms = 3000;
  start_launcher();
  config.ari.timeout_ms = 3000;
  server.place_call("3333");
  // From the request for the media channel on, events are lost.
  ASSERT_TRUE(wait_until([&] {
    for (const std::string& request : server.requests())
      if (request.starts_with("POST /channels/externalMedia")) {
        server.misbehave.lose_events = true;
        return true;
      }
    return false;
  }));
  ASSERT_TRUE(wait_until([&] {
    for (const SimulatedChannel& channel : server.channels())
      if (channel.external && channel.in_stasis) return true;
    return false;
  }));
  server.misbehave.lose_events = false;
  server.drop_websockets();
  EXPECT_TRUE(up(1)) << all_lines();
}

TEST_F(ReconcileTest, AnAsteriskRestartEndsItsCallsAndTheNextAreServed) {
  server.place_call("3333");
  server.place_call("4444");
  ASSERT_TRUE(up(2));
  server.die();
  ASSERT_TRUE(wait_until([&] { return !client->connected(); }));
  server.revive();
  ASSERT_TRUE(connected_again());
  EXPECT_TRUE(all_gone()) << all_lines();
  lines.clear();
  server.place_call("3333");
  EXPECT_TRUE(up(1));
}

TEST_F(ReconcileTest, WhatADeadLauncherLeftIsTakenAwayAndItsCallersAreServedAgain) {
  const std::string phone = server.place_call("3333");
  ASSERT_TRUE(up(1));
  const std::string old_bridge = server.bridges()[0].id;
  stop_launcher();
  ASSERT_EQ(server.channels().size(), 2u);
  lines.clear();
  start_launcher();
  ASSERT_TRUE(up(1)) << all_lines();
  EXPECT_TRUE(
      wait_until([&] { return server.bridges().size() == 1 && server.channels().size() == 2; }));
  EXPECT_NE(server.bridges()[0].id, old_bridge);
  EXPECT_NE(server.channel(phone), nullptr);
}

TEST_F(ReconcileTest, BridgesOfOthersAreLeftAlone) {
  SoupSession* session = soup_session_new();
  for (const char* id : {"somebody-elses", "br-dragoman-2.x", "br-dragoman.orphan"}) {
    g_autoptr(SoupMessage) message = soup_message_new(
        "POST",
        (server.url() + "/bridges/" + id + "?type=mixing&api_key=dragoman:dragoman").c_str());
    bool done = false;
    soup_session_send_and_read_async(
        session, message, G_PRIORITY_DEFAULT, nullptr,
        [](GObject* source, GAsyncResult* result, gpointer data) {
          g_autoptr(GBytes) bytes =
              soup_session_send_and_read_finish(SOUP_SESSION(source), result, nullptr);
          *static_cast<bool*>(data) = true;
        },
        &done);
    ASSERT_TRUE(wait_until([&] { return done; }));
  }
  ASSERT_EQ(server.bridges().size(), 3u);
  server.drop_websockets();
  EXPECT_TRUE(wait_until([&] { return server.bridges().size() == 2; }));
  run_for(50);
  EXPECT_EQ(server.bridges().size(), 2u);
  g_object_unref(session);
}

TEST_F(ReconcileTest, AListThatFailsIsAskedForAgain) {
  server.misbehave.lose_events = true;
  server.place_call("3333");
  run_for(30);
  server.misbehave.lose_events = false;
  server.misbehave.fail_matching = "GET /channels";
  server.misbehave.fail_requests = 1;
  server.drop_websockets();
  EXPECT_TRUE(up(1)) << all_lines();
}

TEST_F(ReconcileTest, StoppingEndsEveryCallAndSaysSoWhenItIsDone) {
  server.place_call("3333");
  server.place_call("4444");
  server.place_call("3333");
  ASSERT_TRUE(up(3));
  bool done = false;
  calls->shut_down([&] { done = true; });
  ASSERT_TRUE(wait_until([&] { return done; }));
  EXPECT_TRUE(server.channels().empty());
  EXPECT_TRUE(server.bridges().empty());
  EXPECT_TRUE(workers.running.empty());
  for (const TraceRow& row : journal.traces)
    if (row.ended_at) return;
  FAIL() << "no trace has an end";
}

TEST_F(ReconcileTest, StoppingInTheMiddleOfASetUpLeavesNothing) {
  for (int i = 0; i < 5; ++i) server.place_call(i % 2 ? "4444" : "3333");
  ASSERT_TRUE(wait_until([&] { return calls->count() == 5; }));
  bool done = false;
  calls->shut_down([&] { done = true; });
  ASSERT_TRUE(wait_until([&] { return done; }));
  EXPECT_TRUE(server.channels().empty());
  EXPECT_TRUE(server.bridges().empty());
  EXPECT_TRUE(workers.running.empty());
}

TEST_F(ReconcileTest, StoppingIsBoundedWhenNobodyAnswers) {
  server.place_call("3333");
  ASSERT_TRUE(up(1));
  server.misbehave.never_reply = true;
  workers.never_end = true;
  bool done = false;
  calls->shut_down([&] { done = true; });
  EXPECT_TRUE(wait_until([&] { return done; }, 14000));
  server.misbehave.never_reply = false;
}

TEST_F(ReconcileTest, StoppingWithoutCallsIsDoneAtOnce) {
  bool done = false;
  calls->shut_down([&] { done = true; });
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace dragoman
