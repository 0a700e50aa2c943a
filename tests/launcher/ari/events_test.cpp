// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/ari/events.h"

#include <gtest/gtest.h>

#include "launcher/ari/backoff.h"

namespace dragoman::ari {
namespace {

// As Asterisk 22.10 sends it.
constexpr char kStart[] = R"({"type":"StasisStart","timestamp":"2026-01-02T07:47:10.001+0000",
"args":["3333"],"channel":{"id":"1795333629.0","name":"PJSIP/phones-00000000","state":"Ring",
"protocol_id":"1-22900@127.0.0.1","caller":{"name":"sipp","number":"1001"},"connected":{"name":"",
"number":""},"accountcode":"","dialplan":{"context":"phones","exten":"3333","priority":1,
"app_name":"Stasis","app_data":"dragoman,3333"},"language":"en"},"asterisk_id":"x",
"application":"dragoman"})";

TEST(Events, AStasisStartTellsChannelAndArguments) {
  const std::optional<Event> event = parse_event(kStart);
  ASSERT_TRUE(event);
  const auto& start = std::get<StasisStart>(*event);
  EXPECT_EQ(start.channel.id, "1795333629.0");
  EXPECT_EQ(start.channel.caller, "1001");
  EXPECT_EQ(start.channel.dialplan_data, "dragoman,3333");
  EXPECT_EQ(start.arguments, std::vector<std::string>{"3333"});
}

TEST(Events, AnExternalMediaChannelTellsWhereItsAudioComesFrom) {
  const json::NodePtr reply =
      json::parse(R"({"id":"em-1","channelvars":{"UNICASTRTP_LOCAL_PORT":"21314",)"
                  R"("UNICASTRTP_LOCAL_ADDRESS":"127.0.0.1"}})");
  const Channel channel = parse_channel(json::object(reply.get()));
  EXPECT_EQ(channel.local_address, "127.0.0.1");
  EXPECT_EQ(channel.local_port, 21314);
}

TEST(Events, AUserEventTellsItsNonce) {
  const std::optional<Event> event = parse_event(
      R"({"type":"ChannelUserevent","eventname":"DragomanClaim","userevent":{"nonce":"abc"}})");
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<UserEvent>(*event).name, "DragomanClaim");
  EXPECT_EQ(std::get<UserEvent>(*event).nonce, "abc");
}

TEST(Events, AnEventThatNobodyNeedsIsKnownByItsName) {
  const std::optional<Event> event = parse_event(R"({"type":"ChannelDialplan"})");
  ASSERT_TRUE(event);
  EXPECT_EQ(std::get<OtherEvent>(*event).type, "ChannelDialplan");
}

TEST(Events, WhatIsNotAnEventIsRefused) {
  for (const char* text :
       {"", "{", "[]", "null", "{}", "{\"type\":3}", "\xff\xfe", "{\"type\":\"StasisStart\"}",
        "{\"type\":\"StasisEnd\",\"channel\":3}", "{\"type\":\"BridgeDestroyed\",\"bridge\":[]}"})
    EXPECT_FALSE(parse_event(text)) << text;
}

TEST(Events, FieldsOfTheWrongTypeAreAsIfAbsent) {
  const std::optional<Event> event =
      parse_event(R"({"type":"StasisStart","args":[1,null,"3333"],"channel":{"id":"c","name":[],)"
                  R"("dialplan":"no","caller":7}})");
  ASSERT_TRUE(event);
  const auto& start = std::get<StasisStart>(*event);
  EXPECT_EQ(start.channel.name, "");
  EXPECT_EQ(start.arguments, (std::vector<std::string>{"", "", "3333"}));
}

TEST(Events, NestingThatWouldExhaustTheStackIsRefused) {
  const std::string deep(200000, '[');
  EXPECT_FALSE(parse_event(deep));
  EXPECT_FALSE(parse_event("{\"type\":\"x\",\"y\":" + deep + "}"));
}

TEST(Events, BracketsInsideStringsDoNotCountAsNesting) {
  EXPECT_TRUE(parse_event("{\"type\":\"x\",\"y\":\"" + std::string(100, '[') + "\\\"{{\"}"));
}

TEST(Backoff, DoublesUpToItsLimitAndIsNeverLessThanHalfAStep) {
  double random = 0;
  Backoff backoff(500, 3000, [&] { return random; });
  EXPECT_EQ(backoff.next_ms(), 500);
  EXPECT_EQ(backoff.next_ms(), 1000);
  random = 1;
  EXPECT_EQ(backoff.next_ms(), 1000);  // half of 2000
  EXPECT_EQ(backoff.next_ms(), 1500);  // half of 3000
  EXPECT_EQ(backoff.next_ms(), 1500);
  backoff.reset();
  EXPECT_EQ(backoff.next_ms(), 250);
}

}  // namespace
}  // namespace dragoman::ari
