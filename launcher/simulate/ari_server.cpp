// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/ari_server.h"

#include <libsoup/soup.h>

#include <set>
#include <stdexcept>
#include <utility>

#include "launcher/simulate/ari_routes.h"

namespace dragoman {
namespace {

struct ObjectUnref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <typename T>
using ObjectPtr = std::unique_ptr<T, ObjectUnref>;

void run_and_free(gpointer data) { delete static_cast<std::function<void()>*>(data); }

gboolean run_once(gpointer data) {
  (*static_cast<std::function<void()>*>(data))();
  return G_SOURCE_REMOVE;
}

/// Text cut in the middle: what a broken peer sends.
std::string cut(const std::string& text) { return text.substr(0, text.size() / 2); }

void add_text_members(JsonObject* object, std::map<std::string, std::string>& to) {
  g_autoptr(GList) names = json_object_get_members(object);
  for (GList* name = names; name; name = name->next) {
    const auto* key = static_cast<const char*>(name->data);
    JsonNode* value = json_object_get_member(object, key);
    if (JSON_NODE_HOLDS_VALUE(value) && json_node_get_value_type(value) == G_TYPE_STRING) {
      to.emplace(key, json_node_get_string(value));
    }
  }
}

/// The parameters of a JSON body's top level, and of its object "variables".
void add_body_parameters(SoupServerMessage* message, AriRequest& request) {
  SoupMessageBody* body = soup_server_message_get_request_body(message);
  g_autoptr(GBytes) bytes = soup_message_body_flatten(body);
  gsize size = 0;
  const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
  g_autoptr(JsonParser) parser = json_parser_new();
  if (size == 0 || !json_parser_load_from_data(parser, text, static_cast<gssize>(size), nullptr)) {
    return;
  }
  JsonNode* root = json_parser_get_root(parser);
  if (!root || !JSON_NODE_HOLDS_OBJECT(root)) return;
  JsonObject* object = json_node_get_object(root);
  add_text_members(object, request.parameters);
  JsonNode* variables = json_object_get_member(object, "variables");
  if (variables && JSON_NODE_HOLDS_OBJECT(variables)) {
    add_text_members(json_node_get_object(variables), request.variables);
  }
}

AriRequest read_request(SoupServerMessage* message, const char* path, GHashTable* query) {
  AriRequest request;
  request.method = soup_server_message_get_method(message);
  g_auto(GStrv) parts = g_strsplit(path, "/", -1);
  for (char** part = parts; *part; ++part) {
    if (**part) request.path.push_back(*part);
  }
  if (!request.path.empty()) request.path.erase(request.path.begin());  // "ari"
  if (query) {
    GHashTableIter iterator;
    gpointer name, value;
    g_hash_table_iter_init(&iterator, query);
    while (g_hash_table_iter_next(&iterator, &name, &value)) {
      request.parameters.emplace(static_cast<char*>(name), static_cast<char*>(value));
    }
  }
  add_body_parameters(message, request);
  return request;
}

}  // namespace

struct AriServer::Impl final : SwitchboardListener {
  Impl(AriServerOptions options, AriMisbehaviour& misbehave, SwitchboardListener* media)
      : options(std::move(options)),
        misbehave(misbehave),
        media(media),
        context(g_main_context_ref_thread_default()) {
    switchboard = std::make_unique<Switchboard>(this->options.application, *this);
    listen(this->options.port);
  }

  ~Impl() override {
    stop();
    g_main_context_unref(context);
  }

  /// Cuts every connection and forgets what was to come.
  void stop() {
    for (GSource* timer : std::exchange(timers, {})) {
      g_source_destroy(timer);
      g_source_unref(timer);
    }
    close_sockets();
    if (server) soup_server_disconnect(server.get());
    server.reset();
  }

  void listen(int wanted) {
    server.reset(soup_server_new("server-header", "Asterisk (simulated)", nullptr));
    soup_server_add_early_handler(server.get(), "/ari", on_early, this, nullptr);
    soup_server_add_handler(server.get(), "/ari", on_request, this, nullptr);
    soup_server_add_handler(server.get(), "/ari/events/user", on_request, this, nullptr);
    soup_server_add_early_handler(server.get(), "/ari/events", on_early, this, nullptr);
    soup_server_add_early_handler(server.get(), "/ari/events/user", on_early, this, nullptr);
    soup_server_add_websocket_handler(server.get(), "/ari/events", nullptr, nullptr, on_websocket,
                                      this, nullptr);
    g_autoptr(GError) error = nullptr;
    if (!soup_server_listen_local(server.get(), static_cast<guint>(wanted),
                                  SOUP_SERVER_LISTEN_IPV4_ONLY, &error)) {
      throw std::runtime_error("the simulated ARI server cannot listen on port " +
                               std::to_string(wanted) + ": " + error->message);
    }
    GSList* uris = soup_server_get_uris(server.get());
    port = g_uri_get_port(static_cast<GUri*>(uris->data));
    g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
  }

  // HTTP.

  bool is_allowed(SoupServerMessage* message) const {
    if (misbehave.refuse_credentials) return false;
    SoupMessageHeaders* headers = soup_server_message_get_request_headers(message);
    if (const char* header = soup_message_headers_get_one(headers, "Authorization")) {
      const std::string pair = options.user + ":" + options.password;
      g_autofree char* token =
          g_base64_encode(reinterpret_cast<const guchar*>(pair.data()), pair.size());
      return std::string(header) == "Basic " + std::string(token);
    }
    const char* query = g_uri_get_query(soup_server_message_get_uri(message));
    g_autoptr(GHashTable) fields = query ? soup_form_decode(query) : nullptr;
    const auto* key =
        static_cast<const char*>(fields ? g_hash_table_lookup(fields, "api_key") : nullptr);
    return key && key == options.user + ":" + options.password;
  }

  static void on_early(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                       gpointer self) {
    static_cast<Impl*>(self)->check(message, path);
  }

  /// Notes the request; refuses what has no right, and whatever is to fail.
  void check(SoupServerMessage* message, const char* path) {
    const char* query = g_uri_get_query(soup_server_message_get_uri(message));
    const std::string wanted =
        std::string(soup_server_message_get_method(message)) + " " + (path + 4);
    requests.push_back(query ? wanted + "?" + query : wanted);
    if (!is_allowed(message)) {
      soup_message_headers_replace(soup_server_message_get_response_headers(message),
                                   "WWW-Authenticate", "Basic realm=\"Asterisk REST Interface\"");
      reply(message, {401, R"({"message":"Authentication required"})"});
    } else if (misbehave.fail_requests > 0 &&
               wanted.find(misbehave.fail_matching) != std::string::npos) {
      --misbehave.fail_requests;
      reply(message, {500, R"({"message":"Internal Server Error"})"});
    }
  }

  static void on_request(SoupServer*, SoupServerMessage* message, const char* path,
                         GHashTable* query, gpointer self) {
    static_cast<Impl*>(self)->handle(message, path, query);
  }

  void handle(SoupServerMessage* message, const char* path, GHashTable* query) {
    if (misbehave.never_reply) {
      soup_server_message_pause(message);
      return;
    }
    AriReply answer =
        handle_ari_request(*switchboard, read_request(message, path, query), websocket != nullptr);
    if (misbehave.malformed_replies) answer.body = cut(answer.body);
    reply(message, answer);
    if (!answer.entering.empty()) {
      const auto enter = [this, id = answer.entering] { switchboard->enter(id); };
      options.external_media_start_ms > 0 ? later(options.external_media_start_ms, enter) : enter();
    }
    if (misbehave.delay_ms > 0) {
      soup_server_message_pause(message);
      g_object_ref(message);
      later(misbehave.delay_ms,
            [held = std::shared_ptr<SoupServerMessage>(message, ObjectUnref{})] {
              soup_server_message_unpause(held.get());
            });
    }
  }

  static void reply(SoupServerMessage* message, const AriReply& answer) {
    soup_server_message_set_status(message, static_cast<guint>(answer.status), nullptr);
    if (answer.body.empty()) return;
    soup_server_message_set_response(message, "application/json", SOUP_MEMORY_COPY,
                                     answer.body.data(), answer.body.size());
  }

  // WebSocket.

  static void on_websocket(SoupServer*, SoupServerMessage*, const char*,
                           SoupWebsocketConnection* connection, gpointer self) {
    static_cast<Impl*>(self)->take_websocket(connection);
  }

  /// The newest client has the application; the one before is told and gets nothing more.
  void take_websocket(SoupWebsocketConnection* connection) {
    if (websocket) {
      on_event(json_text(switchboard->new_event("ApplicationReplaced").get()));
      replaced.push_back(std::move(websocket));
    }
    websocket.reset(SOUP_WEBSOCKET_CONNECTION(g_object_ref(connection)));
    g_signal_connect(connection, "closed", G_CALLBACK(on_closed), this);
  }

  static void on_closed(SoupWebsocketConnection* connection, gpointer self) {
    static_cast<Impl*>(self)->forget_websocket(connection);
  }

  void forget_websocket(SoupWebsocketConnection* connection) {
    g_signal_handlers_disconnect_by_data(connection, this);
    if (websocket.get() == connection) websocket.reset();
    std::erase_if(replaced, [connection](const auto& each) { return each.get() == connection; });
  }

  void close_sockets() {
    if (websocket) replaced.push_back(std::move(websocket));
    for (const auto& each : std::exchange(replaced, {})) {
      g_signal_handlers_disconnect_by_data(each.get(), this);
      g_io_stream_close(soup_websocket_connection_get_io_stream(each.get()), nullptr, nullptr);
    }
  }

  void send(const std::string& text) {
    if (websocket &&
        soup_websocket_connection_get_state(websocket.get()) == SOUP_WEBSOCKET_STATE_OPEN) {
      soup_websocket_connection_send_text(websocket.get(), text.c_str());
    }
  }

  // Switchboard.

  void on_event(const std::string& json) override {
    if (misbehave.lose_events) return;
    const std::string text = misbehave.malformed_events ? cut(json) : json;
    send(text);
    if (misbehave.duplicate_events) send(text);
  }
  int on_external_media(const SimulatedChannel& channel) override {
    return media ? media->on_external_media(channel) : next_media_port++;
  }
  void on_bridge_changed(const SimulatedBridge& bridge) override {
    if (media) media->on_bridge_changed(bridge);
  }
  void on_channel_answered(const SimulatedChannel& channel) override {
    if (media) media->on_channel_answered(channel);
  }
  void on_channel_gone(const SimulatedChannel& channel) override {
    if (media) media->on_channel_gone(channel);
  }

  /// Runs `what` in `ms`, unless the server is gone by then.
  void later(int ms, std::function<void()> what) {
    GSource* timer = g_timeout_source_new(static_cast<guint>(ms));
    timers.insert(timer);
    auto* run = new std::function<void()>([this, timer, what = std::move(what)] {
      timers.erase(timer);
      what();
      g_source_unref(timer);
    });
    g_source_set_callback(timer, run_once, run, run_and_free);
    g_source_attach(timer, context);
  }

  const AriServerOptions options;
  AriMisbehaviour& misbehave;
  SwitchboardListener* const media;
  GMainContext* const context;
  std::unique_ptr<Switchboard> switchboard;
  ObjectPtr<SoupServer> server;
  ObjectPtr<SoupWebsocketConnection> websocket;              // has the application
  std::vector<ObjectPtr<SoupWebsocketConnection>> replaced;  // had it before
  std::set<GSource*> timers;
  std::vector<std::string> requests;
  int port = 0;
  int next_media_port = 20000;  // where nobody listens, when there is no audio
};

AriServer::AriServer(AriServerOptions options, SwitchboardListener* media)
    : impl_(std::make_unique<Impl>(std::move(options), misbehave, media)) {}

AriServer::~AriServer() = default;

int AriServer::port() const { return impl_->port; }

std::string AriServer::url() const {
  return "http://127.0.0.1:" + std::to_string(impl_->port) + "/ari";
}

std::string AriServer::place_call(const std::string& extension, const std::string& caller) {
  return impl_->websocket ? impl_->switchboard->dial(extension, caller) : std::string();
}

void AriServer::hang_up(const std::string& channel_id) { impl_->switchboard->hang_up(channel_id); }

std::vector<SimulatedChannel> AriServer::channels() const {
  std::vector<SimulatedChannel> all;
  for (const auto& [id, channel] : impl_->switchboard->channels()) all.push_back(channel);
  return all;
}

std::vector<SimulatedBridge> AriServer::bridges() const {
  std::vector<SimulatedBridge> all;
  for (const auto& [id, bridge] : impl_->switchboard->bridges()) all.push_back(bridge);
  return all;
}

const SimulatedChannel* AriServer::channel(const std::string& id) const {
  return impl_->switchboard->channel(id);
}

int AriServer::clients() const { return impl_->websocket ? 1 : 0; }

const std::vector<std::string>& AriServer::requests() const { return impl_->requests; }

void AriServer::drop_websockets() { impl_->close_sockets(); }

void AriServer::die() {
  impl_->stop();
  impl_->switchboard = std::make_unique<Switchboard>(impl_->options.application, *impl_);
}

void AriServer::revive() { impl_->listen(impl_->port); }

void AriServer::send_raw(const std::string& text) { impl_->send(text); }

}  // namespace dragoman
