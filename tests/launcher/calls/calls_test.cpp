// SPDX-License-Identifier: LGPL-2.1-or-later
// A call's life, as Asterisk and the worker see it.
#include "tests/launcher/calls/calls_fixture.h"

namespace dragoman {
namespace {

using fakes::run_for;
using fakes::wait_until;
using testing::HasSubstr;

std::vector<std::string> made_requests(const AriServer& server) {
  std::vector<std::string> made;
  for (const std::string& request : server.requests())
    if (request.starts_with("POST /channels") || request.starts_with("POST /bridges"))
      made.push_back(request.substr(0, request.find('?')));
  return made;
}

TEST_F(CallsTest, SetsACallUpInTheOrderThatAsteriskNeeds) {
  const std::string channel = server.place_call("3333");
  ASSERT_TRUE(up(1)) << all_lines();
  const std::string leg = workers.running.begin()->first;
  const std::string bridge = "/bridges/br-dragoman." + leg;
  EXPECT_EQ(
      made_requests(server),
      (std::vector<std::string>{"POST /channels/" + channel + "/answer", "POST " + bridge,
                                "POST " + bridge + "/addChannel", "POST /channels/externalMedia",
                                "POST " + bridge + "/addChannel"}));
  EXPECT_EQ(server.channel(channel)->state, "Up");
  EXPECT_THAT(server.requests(),
              testing::Contains(HasSubstr("external_host=127.0.0.1%3A4000&format=slin16")));
}

TEST_F(CallsTest, GivesThePipelineWhatItDeclares) {
  server.place_call("3333");
  ASSERT_TRUE(up(1));
  const auto& [id, pipeline] = *workers.running.begin();
  const auto& given = pipeline.request.parameters;
  EXPECT_EQ(pipeline.request.file, "/pipelines/call-translate.pipeline");
  EXPECT_EQ(pipeline.group, given.at("trace"));
  EXPECT_EQ(given.at("port"), "4000");
  EXPECT_EQ(given.at("peer"), "127.0.0.1");
  EXPECT_EQ(given.at("channel"), given.at("trace") + "-3333");
  EXPECT_EQ(given.at("listens"), given.at("trace") + "-4444");
  EXPECT_EQ(given.at("speaks"), "en");
  EXPECT_EQ(given.at("hears"), "en");
  EXPECT_EQ(given.at("partner-speaks"), "es");
  EXPECT_EQ(given.at("format"), "slin16");
  EXPECT_EQ(given.at("station"), "St_3");
  EXPECT_EQ(given.at("translated-station"), "St_5");
  EXPECT_EQ(given.at("partner-station"), "St_4");
  EXPECT_EQ(given.at("audio"), config.paths.audio);
  EXPECT_FALSE(given.contains("memory")) << "not declared";
}

TEST_F(CallsTest, TellsThePipelineWhereAsterisksAudioComesFrom) {
  server.place_call("3333");
  ASSERT_TRUE(up(1));
  const auto& pipeline = workers.running.begin()->second;
  std::string expected;
  for (const SimulatedChannel& channel : server.channels())
    if (channel.external) expected = "127.0.0.1:" + std::to_string(channel.media_port);
  EXPECT_EQ(pipeline.properties.at("in.peer"), expected);
}

TEST_F(CallsTest, WorksWhenTheMediaChannelComesBeforeItsReply) {
  stop_launcher();
  AriServer early({.external_media_start_ms = 0});
  client = std::make_unique<ari::Client>(ari::Client::Options{
      .access = {early.url(), "dragoman", "dragoman", 400}, .application = "dragoman"});
  calls =
      std::make_unique<Calls>(Calls::Tools{*client,
                                           workers,
                                           recorder,
                                           reporter,
                                           config,
                                           {{"3333", {"/p", declared}}, {"4444", {"/p", declared}}},
                                           "127.0.0.1",
                                           {},
                                           {}});
  workers.listener = calls.get();
  client->start(*calls);
  ASSERT_TRUE(wait_until([&] { return early.clients() == 1 && client->connected(); }));
  early.place_call("3333");
  EXPECT_TRUE(wait_until(
      [&] { return early.bridges().size() == 1 && early.bridges()[0].channels.size() == 2; }));
  calls.reset();
  client.reset();
}

TEST_F(CallsTest, TwoCallersShareATraceAndEachHasABridge) {
  server.place_call("3333");
  ASSERT_TRUE(up(1));
  server.place_call("4444");
  ASSERT_TRUE(up(2)) << all_lines();
  EXPECT_EQ(trace_of("3333"), trace_of("4444"));
  EXPECT_EQ(server.bridges().size(), 2u);
  ASSERT_EQ(journal.traces.size(), 2u);
  EXPECT_EQ(journal.traces[0].src_extension, "3333");
  EXPECT_EQ(journal.traces[0].dst_extension, std::nullopt);
  EXPECT_EQ(journal.traces[1].dst_extension, "4444");
  EXPECT_EQ(lines_with("paired"), 1u);
}

TEST_F(CallsTest, AHangUpTakesEverythingAwayAndEndsTheTrace) {
  const std::string channel = server.place_call("3333");
  ASSERT_TRUE(up(1));
  server.hang_up(channel);
  EXPECT_TRUE(all_gone()) << all_lines();
  ASSERT_FALSE(journal.traces.empty());
  EXPECT_TRUE(journal.traces.back().ended_at);
  EXPECT_EQ(journal.traces.back().dst_extension, std::nullopt);
}

TEST_F(CallsTest, TheOtherPartyHearsTheLastWordsAndThenIsHungUp) {
  configure("[calls]\nlinger-s = 1\n");
  const std::string english = server.place_call("3333");
  const std::string spanish = server.place_call("4444");
  ASSERT_TRUE(up(2));
  server.hang_up(english);
  ASSERT_TRUE(wait_until([&] { return calls->count() == 1; }));
  EXPECT_NE(server.channel(spanish), nullptr);
  EXPECT_TRUE(all_gone()) << all_lines();
  EXPECT_GE(lines_with("the other party (3333) has gone"), 1u);
}

TEST_F(CallsTest, APartyThatCallsAgainInTimeIsInTheSameConversation) {
  const std::string english = server.place_call("3333");
  server.place_call("4444");
  ASSERT_TRUE(up(2));
  const std::string trace = trace_of("4444");
  server.hang_up(english);
  ASSERT_TRUE(wait_until([&] { return calls->count() == 1; }));
  server.place_call("3333");
  ASSERT_TRUE(wait_until([&] { return workers.running.size() == 2; }));
  EXPECT_EQ(trace_of("3333"), trace);
  EXPECT_TRUE(workers.running.contains(trace + "-3333.2"));
}

TEST_F(CallsTest, WhoWaitsTooLongForTheOtherIsHungUp) {
  configure("[calls]\nmax-wait-s = 1\n");
  server.place_call("3333");
  ASSERT_TRUE(up(1));
  EXPECT_TRUE(all_gone());
  EXPECT_EQ(lines_with("4444 did not call within 1 s"), 1u);
}

TEST_F(CallsTest, AnUnknownExtensionIsRefusedWithTheCureAndACause) {
  server.place_call("9999");
  EXPECT_TRUE(wait_until([&] { return server.channels().empty(); }));
  EXPECT_THAT(all_lines(), HasSubstr("add a group [extension 9999]"));
  EXPECT_THAT(server.requests(), testing::Contains(HasSubstr("reason_code=1")));
  EXPECT_TRUE(journal.traces.empty());
}

TEST_F(CallsTest, APortThatAnotherProgramHasIsPassedOver) {
  workers.busy_ports = {"4000", "4002"};
  server.place_call("3333");
  ASSERT_TRUE(up(1)) << all_lines();
  EXPECT_EQ(workers.running.begin()->second.request.parameters.at("port"), "4004");
  EXPECT_THAT(server.requests(), testing::Contains(HasSubstr("external_host=127.0.0.1%3A4004")));
  EXPECT_EQ(calls->ports_taken(), 1u);
}

/// Of each leg the knob stands at how often it was asked for.
struct CountingKnobs : CallKnobs {
  std::map<std::string, std::string> begin(const std::string& leg, const std::string&,
                                           const std::string&) override {
    return {{"gain_db", std::to_string(++begun[leg])}};
  }
  void end(const std::string& leg) override { begun.erase(leg); }
  std::string values_at(const std::string&, const std::string&) const override { return "{}"; }
  std::map<std::string, int> begun;
};

TEST_F(CallsTest, AKnobThatIsTurnedWhileAStartFailsCountsForTheNext) {
  CountingKnobs counting;
  knobs = &counting;
  configure("");
  workers.busy_ports = {"4000"};
  const std::string phone = server.place_call("3333");
  ASSERT_TRUE(up(1)) << all_lines();
  EXPECT_EQ(workers.running.begin()->second.request.parameters.at("port"), "4002");
  EXPECT_EQ(workers.running.begin()->second.request.knobs.at("gain_db"), "2");
  server.hang_up(phone);
  EXPECT_TRUE(all_gone());
  EXPECT_TRUE(counting.begun.empty());
  stop_launcher();
}

TEST_F(CallsTest, WithoutAFreePortTheCallIsRefusedBeforeItIsAnswered) {
  configure(
      "[media]\nfirst-port = 4000\nlast-port = 4001\n[extension 3333]\nport = 0\n"
      "partner = 4444\n[extension 4444]\nport = 0\n");
  server.place_call("3333");
  ASSERT_TRUE(up(1));
  const std::string second = server.place_call("4444");
  EXPECT_TRUE(wait_until([&] { return !server.channel(second); }));
  EXPECT_THAT(all_lines(), HasSubstr("no UDP port is free"));
  EXPECT_EQ(calls->ports_taken(), 1u);
}

TEST_F(CallsTest, AWorkerThatCannotStartThePipelineEndsTheCallUnanswered) {
  workers.refuse = "no element \"sttsink\"; build the speech plugin";
  server.place_call("3333");
  ASSERT_TRUE(wait_until([&] { return lines_with("ended") == 1; }));
  EXPECT_TRUE(all_gone());
  EXPECT_THAT(all_lines(), HasSubstr("no element \"sttsink\""));
  for (const std::string& request : server.requests())
    EXPECT_THAT(request, testing::Not(HasSubstr("/answer")));
}

TEST_F(CallsTest, APipelineThatFailsInMidCallEndsTheCall) {
  server.place_call("3333");
  ASSERT_TRUE(up(1));
  workers.fail(workers.running.begin()->first, "the socket died");
  EXPECT_TRUE(all_gone());
  EXPECT_THAT(all_lines(), HasSubstr("the socket died"));
}

TEST_F(CallsTest, ABridgeThatIsDestroyedEndsTheCall) {
  server.place_call("3333");
  ASSERT_TRUE(up(1));
  server.send_raw("{\"type\":\"BridgeDestroyed\",\"bridge\":{\"id\":\"" + server.bridges()[0].id +
                  "\",\"channels\":[]}}");
  EXPECT_TRUE(all_gone());
  EXPECT_THAT(all_lines(), HasSubstr("the bridge was destroyed"));
}

TEST_F(CallsTest, AMediaChannelThatEndsEndsTheCall) {
  server.place_call("3333");
  ASSERT_TRUE(up(1));
  for (const SimulatedChannel& channel : server.channels())
    if (channel.external) {
      server.hang_up(channel.id);
      break;
    }
  EXPECT_TRUE(all_gone());
  EXPECT_THAT(all_lines(), HasSubstr("the media channel ended"));
}

TEST_F(CallsTest, EventsThatComeTwiceDoNoHarm) {
  server.misbehave.duplicate_events = true;
  const std::string channel = server.place_call("3333");
  ASSERT_TRUE(up(1));
  EXPECT_EQ(calls->count(), 1u);
  server.hang_up(channel);
  EXPECT_TRUE(all_gone());
}

TEST_F(CallsTest, EachRequestOfTheSetUpMayFailAndNothingIsLeft) {
  for (const char* request : {"/answer", "POST /bridges/br", "/addChannel", "externalMedia"}) {
    lines.clear();
    server.misbehave.fail_matching = request;
    server.misbehave.fail_requests = 1;
    server.place_call("3333");
    ASSERT_TRUE(wait_until([&] { return lines_with("ended") == 1; })) << request;
    EXPECT_TRUE(all_gone()) << request << "\n" << all_lines();
    EXPECT_THAT(all_lines(), HasSubstr("failed: Asterisk answered 500")) << request;
  }
  // The second addChannel: the media's.
  lines.clear();
  server.place_call("3333");
  server.misbehave.fail_requests = 0;
  ASSERT_TRUE(up(1));
}

TEST_F(CallsTest, ADeletionThatFailsIsTriedAgain) {
  const std::string channel = server.place_call("3333");
  ASSERT_TRUE(up(1));
  server.misbehave.fail_matching = "DELETE";
  server.misbehave.fail_requests = 2;
  server.hang_up(channel);
  EXPECT_TRUE(all_gone());
}

TEST_F(CallsTest, AnAsteriskThatStopsAnsweringInTheSetUpLeavesNothing) {
  workers.busy_ports = {};
  server.misbehave.never_reply = true;
  server.place_call("3333");
  ASSERT_TRUE(wait_until([&] { return lines_with("ended") == 1; }));
  EXPECT_THAT(all_lines(), HasSubstr("no answer within 400 ms"));
  server.misbehave.never_reply = false;
  EXPECT_TRUE(all_gone());
}

TEST_F(CallsTest, WhatIsSaidIsShownAndKept) {
  server.place_call("3333");
  server.place_call("4444");
  ASSERT_TRUE(up(2));
  const std::string trace = trace_of("3333");
  g_autoptr(GVariant) spoken = g_variant_ref_sink(g_variant_new_parsed(
      "{'channel': <%s>, 'utterance': <uint64 7>, 'clause': <uint32 0>, 'source-text': <'Good\x1b "
      "day'>, 'source-language': <'en'>, 'text': <'Buen día'>, 'language': <'es'>, "
      "'delay-ms': <840.0>}",
      (trace + "-3333").c_str()));
  calls->on_pipeline_message(trace + "-4444", "spoken", spoken);
  EXPECT_EQ(lines_with("3333 en \"Good  day\" → 4444 es \"Buen día\", 0.84 s after"), 1u)
      << all_lines();
  ASSERT_EQ(journal.utterances.size(), 1u);
  EXPECT_EQ(journal.utterances[0].extension, "3333");
}

TEST_F(CallsTest, ARestartedWorkerHasItsTracesMended) {
  server.place_call("3333");
  server.place_call("4444");
  ASSERT_TRUE(up(2));
  const std::string trace = trace_of("3333");
  calls->on_worker_restarted({trace + "-3333", trace + "-4444"});
  EXPECT_EQ(mended, std::vector<std::string>{trace});
  EXPECT_EQ(calls->count(), 2u);
}

TEST_F(CallsTest, ARehearsalPlaysEachPipelineOnceAndLeavesNothing) {
  calls->rehearse();
  ASSERT_TRUE(wait_until([&] { return lines_with("ready  for 3333 (en), 4444 (es)") == 1; }));
  EXPECT_EQ(workers.most_running, 2u);
  EXPECT_TRUE(workers.running.empty());
  EXPECT_EQ(calls->ports_taken(), 0u);
  EXPECT_EQ(calls->count(), 0u);
  EXPECT_TRUE(journal.traces.empty());
}

TEST_F(CallsTest, ACallDuringTheRehearsalIsServed) {
  calls->rehearse();
  server.place_call("3333");
  EXPECT_TRUE(up(1));
  EXPECT_TRUE(wait_until([&] { return lines_with("ready") == 1; }));
  EXPECT_EQ(workers.running.size(), 1u);
}

TEST_F(CallsTest, AWorkerThatDiedWithoutCallsRehearsesAgain) {
  calls->on_worker_restarted({});
  EXPECT_TRUE(wait_until([&] { return lines_with("ready") == 1; }));
  EXPECT_TRUE(mended.empty());
}

TEST_F(CallsTest, WhatCannotBePlayedIsNotCalledReady) {
  workers.refuse = "no element \"ttssrc\"";
  calls->rehearse();
  run_for(50);
  EXPECT_EQ(lines_with("ready"), 0u);
}

TEST_F(CallsTest, FiftyCallsHungUpInRandomOrderLeaveNothing) {
  configure("[calls]\nlinger-s = 0\n[media]\nlast-port = 4199\n");
  g_autoptr(GRand) random = g_rand_new_with_seed(4711);
  std::vector<std::string> there;
  for (int placed = 0; placed < 50 || !there.empty();) {
    const bool dial = placed < 50 && (there.empty() || g_rand_boolean(random));
    if (dial) {
      there.push_back(server.place_call(g_rand_boolean(random) ? "3333" : "4444"));
      ++placed;
    } else {
      const int which = g_rand_int_range(random, 0, static_cast<gint32>(there.size()));
      server.hang_up(there[which]);
      there.erase(there.begin() + which);
    }
    // Some are cut in the middle of their set-up, some after it.
    const int steps = g_rand_int_range(random, 0, 12);
    for (int step = 0; step < steps; ++step) g_main_context_iteration(nullptr, FALSE);
  }
  EXPECT_TRUE(all_gone()) << server.channels().size() << " channels, " << server.bridges().size()
                          << " bridges, " << workers.running.size() << " pipelines, "
                          << calls->ports_taken() << " ports, " << calls->count() << " sessions";
  EXPECT_EQ(lines_with("ended"), 50u);
  std::map<std::string, bool> ended;
  for (const TraceRow& row : journal.traces) ended[row.trace_id] = row.ended_at.has_value();
  for (const auto& [trace, has_ended] : ended) EXPECT_TRUE(has_ended) << trace;
}

}  // namespace
}  // namespace dragoman
