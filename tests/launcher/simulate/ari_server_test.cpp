// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/ari_server.h"

#include <gtest/gtest.h>
#include <libsoup/soup.h>

namespace dragoman {
namespace {

constexpr gint64 kPatienceUs = 5 * G_USEC_PER_SEC;

/// Runs the main loop until `done()`; false after the patience is over.
template <typename Done>
bool wait_until(Done&& done) {
  const gint64 end = g_get_monotonic_time() + kPatienceUs;
  // The timer only wakes the loop so that the deadline is seen.
  const guint tick = g_timeout_add(
      50, [](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr);
  while (!done() && g_get_monotonic_time() < end) g_main_context_iteration(nullptr, TRUE);
  g_source_remove(tick);
  return done();
}

/// An ARI client that keeps what it was told.
class Client {
 public:
  explicit Client(const AriServer& server, std::string credentials = "dragoman:dragoman")
      : url_(server.url()), credentials_(std::move(credentials)), session_(soup_session_new()) {}
  ~Client() {
    disconnect();
    soup_session_abort(session_);
    g_object_unref(session_);
  }

  struct Answer {
    bool done = false;
    int status = 0;
    std::string body;
  };

  /// Sends a request and waits for its answer; status 0 if none came.
  Answer ask(const char* method, const std::string& path) {
    Answer answer;
    g_autoptr(SoupMessage) message = soup_message_new(method, (url_ + path).c_str());
    g_autofree char* token =
        g_base64_encode(reinterpret_cast<const guchar*>(credentials_.data()), credentials_.size());
    g_autofree char* header = g_strconcat("Basic ", token, nullptr);
    soup_message_headers_append(soup_message_get_request_headers(message), "Authorization", header);
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    soup_session_send_and_read_async(session_, message, G_PRIORITY_DEFAULT, cancellable, on_answer,
                                     &answer);
    if (!wait_until([&answer] { return answer.done; })) {
      g_cancellable_cancel(cancellable);
      wait_until([&answer] { return answer.done; });
      return {};
    }
    answer.status = static_cast<int>(soup_message_get_status(message));
    return answer;
  }

  /// Opens the event WebSocket; false if it is refused.
  bool connect() {
    g_autoptr(SoupMessage) message =
        soup_message_new("GET", (url_ + "/events?app=dragoman&api_key=" + credentials_).c_str());
    bool done = false;
    done_ = &done;
    soup_session_websocket_connect_async(session_, message, nullptr, nullptr, G_PRIORITY_DEFAULT,
                                         nullptr, on_connected, this);
    return wait_until([&done] { return done; }) && socket_;
  }
  void disconnect() {
    if (socket_) g_object_unref(std::exchange(socket_, nullptr));
  }
  bool is_open() const {
    return socket_ && soup_websocket_connection_get_state(socket_) == SOUP_WEBSOCKET_STATE_OPEN;
  }

  bool has_event(const std::string& type) const { return count(type) > 0; }
  int count(const std::string& type) const {
    int found = 0;
    for (const std::string& event : events) {
      found += event.find("\"type\":\"" + type + "\"") != std::string::npos;
    }
    return found;
  }
  std::vector<std::string> events;

 private:
  static void on_answer(GObject* session, GAsyncResult* result, gpointer data) {
    auto* answer = static_cast<Answer*>(data);
    g_autoptr(GBytes) bytes =
        soup_session_send_and_read_finish(SOUP_SESSION(session), result, nullptr);
    if (bytes) {
      gsize size = 0;
      const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
      if (size) answer->body.assign(text, size);
    }
    answer->done = true;
  }
  static void on_connected(GObject* session, GAsyncResult* result, gpointer self) {
    auto* client = static_cast<Client*>(self);
    client->socket_ = soup_session_websocket_connect_finish(SOUP_SESSION(session), result, nullptr);
    if (client->socket_) {
      g_signal_connect(client->socket_, "message", G_CALLBACK(on_message), self);
    }
    *client->done_ = true;
  }
  static void on_message(SoupWebsocketConnection*, int, GBytes* bytes, gpointer self) {
    gsize size = 0;
    const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
    static_cast<Client*>(self)->events.emplace_back(text, size);
  }

  const std::string url_, credentials_;
  SoupSession* session_;
  SoupWebsocketConnection* socket_ = nullptr;
  bool* done_ = nullptr;
};

class AriServerTest : public testing::Test {
 protected:
  AriServer server_;
  Client client_{server_};
};

TEST_F(AriServerTest, refuses_a_wrong_password) {
  Client stranger(server_, "dragoman:wrong");
  EXPECT_EQ(stranger.ask("GET", "/channels").status, 401);
  EXPECT_FALSE(stranger.connect());
  EXPECT_EQ(client_.ask("GET", "/channels").status, 200);
}

TEST_F(AriServerTest, lists_the_application_while_a_client_has_it) {
  EXPECT_EQ(client_.ask("GET", "/applications").body, "[]");
  EXPECT_EQ(server_.place_call("3333"), "");
  ASSERT_TRUE(client_.connect());
  EXPECT_NE(client_.ask("GET", "/applications").body.find("\"name\":\"dragoman\""),
            std::string::npos);
  EXPECT_EQ(client_.ask("GET", "/applications/other").status, 404);
}

TEST_F(AriServerTest, a_call_goes_its_whole_way_and_leaves_nothing) {
  ASSERT_TRUE(client_.connect());
  const std::string phone = server_.place_call("3333");
  ASSERT_TRUE(wait_until([this] { return client_.has_event("StasisStart"); }));
  EXPECT_NE(client_.events[0].find("\"args\":[\"3333\"]"), std::string::npos);
  EXPECT_EQ(client_.ask("POST", "/channels/" + phone + "/answer").status, 204);
  EXPECT_EQ(server_.channel(phone)->state, "Up");
  EXPECT_EQ(client_.ask("POST", "/bridges/b1?type=mixing").status, 200);
  EXPECT_EQ(client_.ask("POST", "/bridges/b1/addChannel?channel=" + phone).status, 204);
  const auto media = client_.ask("POST",
                                 "/channels/externalMedia?app=dragoman&channelId=em-1&"
                                 "external_host=127.0.0.1:4000&format=slin16");
  EXPECT_EQ(media.status, 200);
  EXPECT_NE(media.body.find("UNICASTRTP_LOCAL_PORT"), std::string::npos);
  ASSERT_TRUE(wait_until([this] { return client_.count("StasisStart") == 2; }));
  EXPECT_EQ(client_.ask("POST", "/bridges/b1/addChannel?channel=em-1").status, 204);
  EXPECT_EQ(server_.bridges().at(0).channels.size(), 2u);
  client_.ask("POST", "/applications/dragoman/subscription?eventSource=channel:" + phone);
  server_.hang_up(phone);
  ASSERT_TRUE(wait_until([this] { return client_.has_event("ChannelDestroyed"); }));
  for (const char* type : {"ChannelHangupRequest", "ChannelLeftBridge", "StasisEnd"}) {
    EXPECT_TRUE(client_.has_event(type)) << type;
  }
  EXPECT_EQ(server_.channels().size(), 1u) << "external media stays until it is deleted";
  EXPECT_EQ(client_.ask("DELETE", "/channels/em-1").status, 204);
  EXPECT_EQ(client_.ask("DELETE", "/bridges/b1").status, 204);
  EXPECT_TRUE(server_.channels().empty() && server_.bridges().empty());
}

TEST(AriServer, refuses_to_bridge_media_before_it_entered_the_application) {
  AriServer server({.external_media_start_ms = 60'000});
  Client client(server);
  ASSERT_TRUE(client.connect());
  client.ask("POST", "/bridges/b1");
  client.ask("POST",
             "/channels/externalMedia?app=dragoman&channelId=em-1&external_host=127.0.0.1:4000&"
             "format=slin16");
  const auto refused = client.ask("POST", "/bridges/b1/addChannel?channel=em-1");
  EXPECT_EQ(refused.status, 422);
  EXPECT_NE(refused.body.find("not in Stasis"), std::string::npos);
}

TEST(AriServer, can_start_media_before_the_reply) {
  AriServer server({.external_media_start_ms = 0});
  Client client(server);
  ASSERT_TRUE(client.connect());
  client.ask("POST",
             "/channels/externalMedia?app=dragoman&channelId=em-1&external_host=127.0.0.1:4000&"
             "format=slin16");
  EXPECT_TRUE(server.channel("em-1")->in_stasis);
}

TEST_F(AriServerTest, answers_bad_requests_as_asterisk_does) {
  const std::string media = "/channels/externalMedia?app=dragoman&external_host=127.0.0.1:1&";
  EXPECT_EQ(client_.ask("POST", media + "channelId=x&format=nonsense").status, 500);
  EXPECT_EQ(client_.ask("POST", media + "channelId=x&format=slin16").status, 200);
  EXPECT_EQ(client_.ask("POST", media + "channelId=x&format=slin16").status, 500);
  EXPECT_EQ(client_.ask("DELETE", "/channels/none").status, 404);
  EXPECT_EQ(client_.ask("POST", "/bridges/none/addChannel?channel=x").status, 404);
  EXPECT_EQ(client_.ask("GET", "/nothing").status, 404);
}

TEST_F(AriServerTest, tells_the_client_that_another_took_its_place) {
  ASSERT_TRUE(client_.connect());
  Client second(server_);
  ASSERT_TRUE(second.connect());
  EXPECT_TRUE(wait_until([this] { return client_.has_event("ApplicationReplaced"); }));
  server_.place_call("3333");
  EXPECT_TRUE(wait_until([&second] { return second.has_event("StasisStart"); }));
  EXPECT_FALSE(client_.has_event("StasisStart"));
}

TEST_F(AriServerTest, keeps_calls_when_the_websocket_drops) {
  ASSERT_TRUE(client_.connect());
  const std::string phone = server_.place_call("3333");
  server_.drop_websockets();
  EXPECT_TRUE(wait_until([this] { return !client_.is_open(); }));
  EXPECT_EQ(server_.clients(), 0);
  EXPECT_NE(client_.ask("GET", "/channels").body.find(phone), std::string::npos);
  client_.disconnect();
  EXPECT_TRUE(client_.connect());
}

TEST_F(AriServerTest, dies_and_comes_back_on_its_port) {
  ASSERT_TRUE(client_.connect());
  server_.place_call("3333");
  server_.die();
  EXPECT_EQ(client_.ask("GET", "/channels").status, 0);
  server_.revive();
  EXPECT_EQ(client_.ask("GET", "/channels").body, "[]");
}

TEST_F(AriServerTest, misbehaves_when_asked) {
  ASSERT_TRUE(client_.connect());
  server_.misbehave.fail_requests = 1;
  server_.misbehave.fail_matching = "/bridges";
  EXPECT_EQ(client_.ask("GET", "/channels").status, 200);
  EXPECT_EQ(client_.ask("GET", "/bridges").status, 500);
  EXPECT_EQ(client_.ask("GET", "/bridges").status, 200);
  server_.misbehave.malformed_replies = true;
  EXPECT_EQ(client_.ask("GET", "/asterisk/info").body.back() == '}', false);
  server_.misbehave = {.delay_ms = 100};
  const gint64 start = g_get_monotonic_time();
  EXPECT_EQ(client_.ask("GET", "/channels").status, 200);
  EXPECT_GE(g_get_monotonic_time() - start, 90'000);
  server_.misbehave = {.duplicate_events = true};
  server_.place_call("3333");
  EXPECT_TRUE(wait_until([this] { return client_.count("StasisStart") == 2; }));
  server_.misbehave = {.refuse_credentials = true};
  EXPECT_EQ(client_.ask("GET", "/channels").status, 401);
}

}  // namespace
}  // namespace dragoman
