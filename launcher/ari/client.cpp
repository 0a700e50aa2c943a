// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/ari/client.h"

#include <unistd.h>

#include <algorithm>

#include "launcher/ari/backoff.h"
#include "launcher/util/log.h"
#include "launcher/util/timer.h"

namespace dragoman::ari {
namespace {

uint64_t now_ns() { return static_cast<uint64_t>(g_get_real_time()) * 1000; }

constexpr char kTopic[] = "ari";
constexpr char kClaimEvent[] = "DragomanClaim";
constexpr char kOwnerVariable[] = "DRAGOMAN_OWNER";
constexpr int kClaimPollMs = 100;
/// A claim after a drop: the other one is a local answer away, and calls are waiting for us.
constexpr int kReclaimMs = 400;
constexpr guint64 kMaxEventBytes = 1 << 20;
constexpr int kMissedHeartbeats = 2;
constexpr int kMostSilentClaims = 100;

std::string random_nonce() {
  g_autofree char* nonce = g_uuid_string_random();
  return nonce;
}

}  // namespace

/// The connection's life: probe (does it answer, is the application free) → claim (is its client
/// alive) → WebSocket → heartbeats; whatever fails leads to retry().
struct Client::Impl {
  enum class Phase { kStopped, kWaiting, kProbing, kClaiming, kConnecting, kConnected };

  explicit Impl(Options given)
      : options(std::move(given)),
        http(options.access),
        backoff(options.backoff_first_ms, options.backoff_last_ms, g_random_double) {}
  ~Impl() { drop_socket(); }

  Options options;
  ClientListener* listener = nullptr;
  Http http;
  Backoff backoff;
  Phase phase = Phase::kStopped;
  uint64_t since = now_ns();  ///< connected, or not
  std::string last_error;
  Timer timer;
  GObjectPtr<GCancellable> connecting;
  GObjectPtr<SoupWebsocketConnection> socket;
  std::string nonce;
  int claim_left_ms = 0;
  int no_ari = 0, missed = 0, silent_claims = 0, silent_claims_left = 0;
  bool was_connected = false, replaced = false;

  std::string application_path() const {
    return "/applications/" + Http::escape(options.application);
  }

  // Attempts and their failures.

  void attempt() {
    phase = Phase::kProbing;
    http.request("GET", application_path(), {}, [this](const Reply& reply) { after_probe(reply); });
  }

  void retry(const std::string& complaint) {
    phase = Phase::kWaiting;
    last_error = complaint;
    const int wait_ms = backoff.next_ms();
    char wait[32];
    g_snprintf(wait, sizeof wait, "%.1f s", wait_ms / 1000.0);
    log::warning(kTopic, complaint + "; next attempt in " + wait);
    timer.start(wait_ms, [this] { attempt(); });
  }

  void refuse(const std::string& message) {
    phase = Phase::kStopped;
    timer.stop();
    listener->on_refused(message);
  }

  /// Refusal at the start, patience once it has worked: an Asterisk in the middle of a restart or a
  /// reload must not end calls.
  void refuse_or_retry(const std::string& message) {
    if (was_connected)
      retry(message);
    else
      refuse(message);
  }

  std::string where() const { return options.access.url; }

  std::string complaint_of(const Reply& reply) const {
    if (reply.status == 0)
      return "Asterisk is not reachable at " + where() + " (" + reply.error +
             "); is it running, and is this the address of http.conf? ([ari] url)";
    if (reply.status == 401 || reply.status == 403)
      return "Asterisk refuses the user '" + options.access.user + "' (" +
             std::to_string(reply.status) +
             "): give its password in the environment variable DRAGOMAN_ARI_PASSWORD; [ari] user "
             "must be a user in Asterisk's ari.conf with read_only=no";
    if (reply.server.starts_with("Asterisk"))
      return "Asterisk answers at " + where() + " but has no ARI there (" + reply.reason() +
             "): set enabled=yes in ari.conf and load res_ari, or correct [ari] url";
    return "what answers at " + where() + " is not Asterisk's ARI (" + reply.reason() +
           "): correct [ari] url";
  }

  void after_probe(const Reply& reply) {
    const bool answers_as_ari = json::object(reply.body.get()) != nullptr;
    if (reply.status == 404 && answers_as_ari && reply.error == "Application not found")
      return connect();
    if (reply.ok() && answers_as_ari &&
        json::text(json::object(reply.body.get()), "name") == options.application)
      return claim();
    const std::string complaint = complaint_of(reply);
    if (reply.status == 0) return retry(complaint);
    if (reply.status == 401 || reply.status == 403) return refuse_or_retry(complaint);
    // Asterisk answers so for a moment while it starts: its modules load one by one.
    if (++no_ari < options.attempts_to_find_ari) return retry(complaint);
    refuse_or_retry(complaint);
  }

  // The claim: is the application's client a living launcher?

  void claim() {
    phase = Phase::kClaiming;
    nonce = random_nonce();
    claim_left_ms = was_connected && !replaced ? kReclaimMs : options.claim_ms;
    http.request(
        "POST", std::string("/events/user/") + kClaimEvent, {{"application", options.application}},
        [this](const Reply& reply) {
          if (reply.status == 0) return retry(complaint_of(reply));
          if (!reply.ok()) return connect();  // it has gone in between
          ask_for_owner();
        },
        "{\"variables\":{\"nonce\":\"" + nonce + "\"}}");
  }

  void ask_for_owner() {
    http.request("GET", "/asterisk/variable", {{"variable", kOwnerVariable}},
                 [this](const Reply& reply) { after_owner(reply); });
  }

  void after_owner(const Reply& reply) {
    const std::string owner = json::text(json::object(reply.body.get()), "value");
    if (owner.starts_with(nonce + " ")) {
      const std::string message =
          "another launcher (" + log::printable(owner.substr(nonce.size() + 1), 200) +
          ") has the application '" + options.application +
          "': stop that one, or give this one another application ([ari] application, and "
          "Stasis() in the dialplan)";
      return refuse_or_retry(message);
    }
    claim_left_ms -= kClaimPollMs;
    if (claim_left_ms <= 0) {
      if (replaced && --silent_claims_left > 0)
        return retry("the client that took the application '" + options.application +
                     "' may still be there");
      log::notice(kTopic, "the application '" + options.application +
                              "' was left behind by a client that is gone; taking it over");
      return connect();
    }
    timer.start(kClaimPollMs, [this] { ask_for_owner(); });
  }

  void answer_claim(const std::string& their_nonce) {
    if (their_nonce.empty() || their_nonce.size() > 64) return;
    log::notice(kTopic, "another launcher asked for the application '" + options.application +
                            "'; it was told that it is taken");
    http.request("POST", "/asterisk/variable",
                 {{"variable", kOwnerVariable},
                  {"value", their_nonce + " " + g_get_host_name() + ", process " +
                                std::to_string(getpid())}},
                 [](const Reply& reply) {
                   if (!reply.ok())
                     log::warning(kTopic, "the claim was not answered: " + reply.reason());
                 });
  }

  // The WebSocket.

  void connect() {
    phase = Phase::kConnecting;
    GObjectPtr<SoupMessage> message =
        http.message("GET", "/events", {{"app", options.application}, {"subscribeAll", "false"}});
    connecting.reset(g_cancellable_new());
    auto* call = new ConnectCall{
        this, GObjectPtr<GCancellable>(G_CANCELLABLE(g_object_ref(connecting.get())))};
    timer.start(options.access.timeout_ms, [this] { g_cancellable_cancel(connecting.get()); });
    soup_session_websocket_connect_async(http.session(), message.get(), nullptr, nullptr,
                                         G_PRIORITY_DEFAULT, connecting.get(), after_connect, call);
  }

  struct ConnectCall {
    Impl* self;  ///< valid unless `cancel` is no longer self->connecting
    GObjectPtr<GCancellable> cancel;
  };

  static void after_connect(GObject* session, GAsyncResult* result, gpointer data) {
    const std::unique_ptr<ConnectCall> call(static_cast<ConnectCall*>(data));
    g_autoptr(GError) error = nullptr;
    GObjectPtr<SoupWebsocketConnection> socket(
        soup_session_websocket_connect_finish(SOUP_SESSION(session), result, &error));
    if (error && g_object_get_data(G_OBJECT(call->cancel.get()), "dropped")) return;
    if (g_object_get_data(G_OBJECT(call->cancel.get()), "dropped")) return;
    Impl* self = call->self;
    self->timer.stop();
    self->connecting.reset();
    if (!socket)
      return self->retry("the events of " + self->where() +
                         " cannot be had: " + (error ? error->message : "no WebSocket") +
                         " (Asterisk needs res_http_websocket)");
    self->adopt(std::move(socket));
  }

  void adopt(GObjectPtr<SoupWebsocketConnection> made) {
    socket = std::move(made);
    soup_websocket_connection_set_max_incoming_payload_size(socket.get(), kMaxEventBytes);
    soup_websocket_connection_set_keepalive_interval(socket.get(), 10);
    g_signal_connect(socket.get(), "message", G_CALLBACK(on_message), this);
    g_signal_connect(socket.get(), "closed", G_CALLBACK(on_closed), this);
    phase = Phase::kConnected;
    since = now_ns();
    last_error.clear();
    log::notice(kTopic, (was_connected ? "connected again to " : "connected to ") + where() +
                            " as application '" + options.application + "'");
    was_connected = true;
    replaced = false;
    missed = no_ari = 0;
    backoff.reset();
    timer.start(options.heartbeat_ms, [this] { beat(); });
    listener->on_connected();
  }

  static void on_message(SoupWebsocketConnection*, int type, GBytes* bytes, gpointer data) {
    auto* self = static_cast<Impl*>(data);
    gsize size = 0;
    const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
    const std::optional<Event> event =
        type == SOUP_WEBSOCKET_DATA_TEXT ? parse_event({text, size}) : std::nullopt;
    if (!event) {
      log::warning(kTopic, "an event that is not understood was ignored: " +
                               log::printable({text, size}, 200));
      return;
    }
    if (std::holds_alternative<ApplicationReplaced>(*event)) return self->was_replaced();
    if (const auto* user = std::get_if<UserEvent>(&*event); user && user->name == kClaimEvent)
      return self->answer_claim(user->nonce);
    self->listener->on_event(*event);
  }

  static void on_closed(SoupWebsocketConnection*, gpointer data) {
    static_cast<Impl*>(data)->lost("the connection for events dropped");
  }

  void drop_socket() {
    if (connecting) {
      g_object_set_data(G_OBJECT(connecting.get()), "dropped", GINT_TO_POINTER(1));
      g_cancellable_cancel(connecting.get());
      connecting.reset();
    }
    if (!socket) return;
    g_signal_handlers_disconnect_by_data(socket.get(), this);
    if (soup_websocket_connection_get_state(socket.get()) == SOUP_WEBSOCKET_STATE_OPEN)
      soup_websocket_connection_close(socket.get(), SOUP_WEBSOCKET_CLOSE_GOING_AWAY, nullptr);
    socket.reset();
  }

  void lost(const std::string& why) {
    drop_socket();
    since = now_ns();
    last_error = why + "; it is tried again, calls go on";
    listener->on_disconnected();
    log::warning(kTopic, why + "; calls go on");
    phase = Phase::kWaiting;
    timer.start(static_cast<int>(g_random_double() * options.backoff_first_ms / 2),
                [this] { attempt(); });
  }

  void was_replaced() {
    replaced = true;
    // Each time it comes again we wait longer: no two clients may chase each other.
    silent_claims =
        silent_claims ? std::min(silent_claims * 2, kMostSilentClaims) : options.silent_claims;
    silent_claims_left = silent_claims;
    drop_socket();
    since = now_ns();
    listener->on_disconnected();
    retry("another client took the application '" + options.application +
          "'; its calls go on, new ones go there; this launcher waits until the other has gone");
  }

  /// A WebSocket may be dead without a sign, or the application no longer be ours.
  void beat() {
    http.request("GET", application_path(), {}, [this](const Reply& reply) {
      if (phase != Phase::kConnected) return;
      missed = reply.ok() ? 0 : missed + 1;
      if (reply.status == 404) return lost("Asterisk no longer knows the application");
      if (missed >= kMissedHeartbeats) return lost("Asterisk does not answer: " + reply.reason());
      timer.start(options.heartbeat_ms, [this] { beat(); });
    });
  }

  template <typename Item, typename Parse>
  void list(const char* path, Parse parse, std::function<void(bool, std::vector<Item>)> done) {
    http.request("GET", path, {}, [parse, done = std::move(done)](const Reply& reply) {
      JsonArray* array = json::array(reply.body.get());
      if (!reply.ok() || !array) return done(false, {});
      std::vector<Item> items;
      for (guint i = 0; i < json_array_get_length(array); ++i) {
        Item item = parse(json::object(json_array_get_element(array, i)));
        if (!item.id.empty()) items.push_back(std::move(item));
      }
      done(true, std::move(items));
    });
  }
};

Client::Client(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Client::~Client() = default;

void Client::start(ClientListener& listener) {
  impl_->listener = &listener;
  impl_->attempt();
}

Client::Status Client::status() const {
  return {.connected = impl_->phase == Impl::Phase::kConnected,
          .since = impl_->since,
          .last_error = impl_->last_error};
}

void Client::answer(const std::string& channel, Done done) {
  impl_->http.request("POST", "/channels/" + Http::escape(channel) + "/answer", {},
                      std::move(done));
}

void Client::create_bridge(const std::string& bridge, Done done) {
  impl_->http.request("POST", "/bridges/" + Http::escape(bridge), {{"type", "mixing"}},
                      std::move(done));
}

void Client::add_channel(const std::string& bridge, const std::string& channel, Done done) {
  impl_->http.request("POST", "/bridges/" + Http::escape(bridge) + "/addChannel",
                      {{"channel", channel}}, std::move(done));
}

void Client::external_media(const std::string& channel, const std::string& host_and_port,
                            const std::string& format, Done done) {
  impl_->http.request("POST", "/channels/externalMedia",
                      {{"app", impl_->options.application},
                       {"channelId", channel},
                       {"external_host", host_and_port},
                       {"format", format}},
                      std::move(done));
}

void Client::hang_up(const std::string& channel, int cause, Done done) {
  Query query;
  if (cause) query["reason_code"] = std::to_string(cause);
  impl_->http.request("DELETE", "/channels/" + Http::escape(channel), query, std::move(done));
}

void Client::destroy_bridge(const std::string& bridge, Done done) {
  impl_->http.request("DELETE", "/bridges/" + Http::escape(bridge), {}, std::move(done));
}

void Client::list_channels(std::function<void(bool, std::vector<Channel>)> done) {
  impl_->list<Channel>("/channels", parse_channel, std::move(done));
}

void Client::list_bridges(std::function<void(bool, std::vector<Bridge>)> done) {
  impl_->list<Bridge>("/bridges", parse_bridge, std::move(done));
}

}  // namespace dragoman::ari
