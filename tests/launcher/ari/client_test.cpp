// SPDX-License-Identifier: LGPL-2.1-or-later
// The ARI client against a server that speaks ARI over real sockets.
#include "launcher/ari/client.h"

#include <gio/gio.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "launcher/simulate/ari_server.h"
#include "tests/fakes/main_loop.h"

namespace dragoman::ari {
namespace {

using fakes::run_for;
using fakes::wait_until;
using testing::HasSubstr;

class Ears : public ClientListener {
 public:
  int connected = 0, disconnected = 0;
  std::vector<Event> events;
  std::string refused;

  void on_connected() override { ++connected; }
  void on_disconnected() override { ++disconnected; }
  void on_event(const Event& event) override { events.push_back(event); }
  void on_refused(const std::string& message) override { refused = message; }
};

Client::Options options_for(const AriServer& server) {
  return {.access = {server.url(), "dragoman", "dragoman", 400},
          .application = "dragoman",
          .claim_ms = 600,
          .heartbeat_ms = 100,
          .backoff_first_ms = 40,
          .backoff_last_ms = 80,
          .silent_claims = 2,
          .attempts_to_find_ari = 3};
}

class ClientTest : public testing::Test {
 protected:
  void connect() {
    client = std::make_unique<Client>(options_for(server));
    client->start(ears);
    ASSERT_TRUE(wait_until([&] { return ears.connected == 1 && server.clients() == 1; }));
  }
  /// Answers of `request`, waited for.
  Reply* done(std::optional<Reply>& reply) {
    return wait_until([&] { return reply.has_value(); }) ? &*reply : nullptr;
  }
  static Client::Done into(std::optional<Reply>& reply) {
    return [&reply](const Reply& came) {
      reply.emplace();
      reply->status = came.status;
      reply->error = came.error;
    };
  }

  AriServer server;
  Ears ears;
  std::unique_ptr<Client> client;
};

TEST_F(ClientTest, ConnectsAndIsToldOfCalls) {
  connect();
  const std::string channel = server.place_call("3333");
  ASSERT_TRUE(wait_until([&] { return !ears.events.empty(); }));
  const auto& start = std::get<StasisStart>(ears.events[0]);
  EXPECT_EQ(start.channel.id, channel);
  EXPECT_EQ(start.arguments, std::vector<std::string>{"3333"});
}

TEST_F(ClientTest, AWrongPasswordIsRefusedAndItsCureNamed) {
  server.misbehave.refuse_credentials = true;
  client = std::make_unique<Client>(options_for(server));
  client->start(ears);
  ASSERT_TRUE(wait_until([&] { return !ears.refused.empty(); }));
  EXPECT_THAT(ears.refused, HasSubstr("DRAGOMAN_ARI_PASSWORD"));
  EXPECT_THAT(ears.refused, HasSubstr("ari.conf"));
  EXPECT_EQ(ears.connected, 0);
}

TEST_F(ClientTest, AnAsteriskThatStartsLaterIsFound) {
  server.die();
  client = std::make_unique<Client>(options_for(server));
  client->start(ears);
  run_for(150);
  EXPECT_EQ(ears.connected, 0);
  EXPECT_EQ(ears.refused, "");
  server.revive();
  EXPECT_TRUE(wait_until([&] { return ears.connected == 1; }));
}

TEST_F(ClientTest, AServerWithoutAriThereIsRefusedAfterAFewAttempts) {
  Client::Options options = options_for(server);
  options.access.url = "http://127.0.0.1:" + std::to_string(server.port()) + "/elsewhere";
  client = std::make_unique<Client>(options);
  client->start(ears);
  ASSERT_TRUE(wait_until([&] { return !ears.refused.empty(); }));
  EXPECT_THAT(ears.refused, HasSubstr("has no ARI there"));
  EXPECT_THAT(ears.refused, HasSubstr("url"));
}

TEST_F(ClientTest, SomethingThatIsNotAsteriskIsRefusedAfterAFewAttempts) {
  g_autoptr(SoupServer) other = soup_server_new(nullptr, nullptr);
  ASSERT_TRUE(soup_server_listen_local(other, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, nullptr));
  GSList* uris = soup_server_get_uris(other);
  Client::Options options = options_for(server);
  options.access.url =
      "http://127.0.0.1:" + std::to_string(g_uri_get_port(static_cast<GUri*>(uris->data)));
  g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
  client = std::make_unique<Client>(options);
  client->start(ears);
  ASSERT_TRUE(wait_until([&] { return !ears.refused.empty(); }));
  EXPECT_THAT(ears.refused, HasSubstr("is not Asterisk's ARI"));
  client.reset();
  soup_server_disconnect(other);
}

TEST_F(ClientTest, ASecondLauncherIsRefusedBeforeItTakesTheApplication) {
  connect();
  Ears second_ears;
  Client second(options_for(server));
  second.start(second_ears);
  ASSERT_TRUE(wait_until([&] { return !second_ears.refused.empty(); }));
  EXPECT_THAT(second_ears.refused, HasSubstr("another launcher"));
  EXPECT_THAT(second_ears.refused, HasSubstr("process " + std::to_string(getpid())));
  run_for(50);
  EXPECT_EQ(ears.disconnected, 0);
  EXPECT_TRUE(client->connected());
}

TEST_F(ClientTest, AnApplicationLeftBehindByADeadLauncherIsTakenOver) {
  connect();
  server.place_call("3333");
  client.reset();
  ASSERT_TRUE(wait_until([&] { return server.clients() == 0; }));
  ears.connected = 0;
  connect();
  EXPECT_EQ(ears.refused, "");
}

TEST_F(ClientTest, ReconnectsWhenTheWebSocketDrops) {
  connect();
  server.drop_websockets();
  ASSERT_TRUE(wait_until([&] { return ears.connected == 2; }));
  EXPECT_EQ(ears.disconnected, 1);
  server.place_call("3333");
  EXPECT_TRUE(wait_until([&] { return !ears.events.empty(); }));
}

TEST_F(ClientTest, ReconnectsAfterAnAsteriskRestart) {
  connect();
  server.die();
  ASSERT_TRUE(wait_until([&] { return ears.disconnected == 1; }));
  server.revive();
  EXPECT_TRUE(wait_until([&] { return ears.connected == 2; }));
}

TEST_F(ClientTest, NoticesAnAsteriskThatNoLongerAnswers) {
  connect();
  server.misbehave.never_reply = true;
  ASSERT_TRUE(wait_until([&] { return ears.disconnected == 1; }));
  server.misbehave.never_reply = false;
  EXPECT_TRUE(wait_until([&] { return ears.connected == 2; }));
}

TEST_F(ClientTest, DoesNotFightWhenReplacedAndComesBackWhenTheOtherHasGone) {
  connect();
  // A client that does not ask first.
  SoupSession* session = soup_session_new();
  g_autoptr(SoupMessage) message = soup_message_new(
      "GET", (server.url() + "/events?app=dragoman&api_key=dragoman:dragoman").c_str());
  SoupWebsocketConnection* other = nullptr;
  soup_session_websocket_connect_async(
      session, message, nullptr, nullptr, G_PRIORITY_DEFAULT, nullptr,
      [](GObject* source, GAsyncResult* result, gpointer data) {
        *static_cast<SoupWebsocketConnection**>(data) =
            soup_session_websocket_connect_finish(SOUP_SESSION(source), result, nullptr);
      },
      &other);
  ASSERT_TRUE(wait_until([&] { return other && ears.disconnected == 1; }));
  run_for(700);  // one claim, which this kind of client does not answer
  EXPECT_EQ(ears.connected, 1);
  EXPECT_EQ(soup_websocket_connection_get_state(other), SOUP_WEBSOCKET_STATE_OPEN);
  soup_websocket_connection_close(other, SOUP_WEBSOCKET_CLOSE_NORMAL, nullptr);
  EXPECT_TRUE(wait_until([&] { return ears.connected == 2; }));
  g_object_unref(other);
  soup_session_abort(session);
  g_object_unref(session);
}

TEST_F(ClientTest, EventsThatAreNotUnderstoodAreIgnored) {
  connect();
  server.send_raw("{\"type\":");
  server.send_raw("hello");
  server.send_raw(std::string(100000, '['));
  server.place_call("3333");
  ASSERT_TRUE(wait_until([&] { return !ears.events.empty(); }));
  EXPECT_TRUE(std::holds_alternative<StasisStart>(ears.events[0]));
  EXPECT_EQ(ears.disconnected, 0);
}

TEST_F(ClientTest, AnEventThatIsTooLargeCostsTheConnectionNotTheLauncher) {
  connect();
  server.send_raw("{\"type\":\"" + std::string(2 << 20, 'x') + "\"}");
  EXPECT_TRUE(wait_until([&] { return ears.connected == 2; }));
}

TEST_F(ClientTest, ARequestThatGetsNoAnswerEndsAtItsTimeout) {
  connect();
  server.misbehave.never_reply = true;
  std::optional<Reply> reply;
  client->create_bridge("b", into(reply));
  ASSERT_TRUE(done(reply));
  EXPECT_EQ(reply->status, 0u);
  EXPECT_EQ(reply->error, "no answer within 400 ms");
}

TEST_F(ClientTest, ARefusalKeepsAsterisksOwnWords) {
  connect();
  std::optional<Reply> reply;
  client->answer("none", into(reply));
  ASSERT_TRUE(done(reply));
  EXPECT_EQ(reply->reason(), "404 Channel not found");
}

TEST_F(ClientTest, ListsThatAreCutShortAreAFailureNotAnEmptyList) {
  connect();
  server.place_call("3333");
  server.misbehave.malformed_replies = true;
  std::optional<bool> ok;
  client->list_channels([&](bool listed, std::vector<Channel>) { ok = listed; });
  ASSERT_TRUE(wait_until([&] { return ok.has_value(); }));
  EXPECT_FALSE(*ok);
}

TEST_F(ClientTest, NamesAreEscapedOnTheirWay) {
  connect();
  std::optional<Reply> reply;
  client->create_bridge("a?c=d&e %", into(reply));
  ASSERT_TRUE(done(reply));
  ASSERT_EQ(server.bridges().size(), 1u);
  EXPECT_EQ(server.bridges()[0].id, "a?c=d&e %");
  EXPECT_EQ(server.bridges()[0].type, "mixing");
}

TEST_F(ClientTest, NoConnectionIsKeptIdle) {
  g_autoptr(SoupServer) other = soup_server_new(nullptr, nullptr);
  ASSERT_TRUE(soup_server_listen_local(other, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, nullptr));
  std::vector<std::string> asked;
  soup_server_add_handler(
      other, nullptr,
      [](SoupServer*, SoupServerMessage* message, const char*, GHashTable*, gpointer data) {
        SoupMessageHeaders* headers = soup_server_message_get_request_headers(message);
        const char* connection = soup_message_headers_get_one(headers, "Connection");
        static_cast<std::vector<std::string>*>(data)->push_back(connection ? connection : "");
        soup_server_message_set_status(message, 200, nullptr);
      },
      &asked, nullptr);
  GSList* uris = soup_server_get_uris(other);
  const int port = g_uri_get_port(static_cast<GUri*>(uris->data));
  g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
  {
    Http http({"http://127.0.0.1:" + std::to_string(port), "dragoman", "dragoman", 400});
    std::vector<unsigned> statuses;
    for (const char* method : {"GET", "DELETE", "POST"}) {
      const size_t before = statuses.size();
      http.request(method, "/", {}, [&](const Reply& reply) { statuses.push_back(reply.status); });
      ASSERT_TRUE(wait_until([&] { return statuses.size() > before; }));
    }
    EXPECT_THAT(statuses, testing::Each(200u));
  }
  EXPECT_THAT(asked, testing::ElementsAre("close", "close", "close"));
  soup_server_disconnect(other);
}

TEST_F(ClientTest, MayBeDestroyedWithRequestsUnderWay) {
  connect();
  server.misbehave.never_reply = true;
  bool called = false;
  client->create_bridge("b", [&](const Reply&) { called = true; });
  run_for(20);
  client.reset();
  run_for(50);
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace dragoman::ari
