// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/ari/http.h"

namespace dragoman::ari {
namespace {

/// `GET /channels` of 10000 calls with their media channels is 9 MB.
constexpr size_t kMaxReplyBytes = 16 << 20;
constexpr gsize kReadBytes = 64 << 10;
constexpr int kMaxConnections = 8;

}  // namespace

/// One request on its way. Owned by `under_way_` until it is done or dropped, then by its
/// cancelled operation.
struct Http::Request {
  Http* http = nullptr;  ///< null: dropped
  GObjectPtr<SoupMessage> message;
  GObjectPtr<GCancellable> cancel{g_cancellable_new()};
  GObjectPtr<GInputStream> stream;
  std::string body;
  guint timer = 0;
  bool timed_out = false;
  ReplyDone done;

  ~Request() {
    if (timer) g_source_remove(timer);
  }

  static gboolean after_timeout(gpointer data) {
    auto* self = static_cast<Request*>(data);
    self->timer = 0;
    self->timed_out = true;
    g_cancellable_cancel(self->cancel.get());
    return G_SOURCE_REMOVE;
  }

  static void after_send(GObject* session, GAsyncResult* result, gpointer data) {
    auto* self = static_cast<Request*>(data);
    g_autoptr(GError) error = nullptr;
    self->stream.reset(soup_session_send_finish(SOUP_SESSION(session), result, &error));
    if (!self->stream) return self->finish(error ? error->message : "no answer");
    self->read();
  }

  void read() {
    g_input_stream_read_bytes_async(stream.get(), kReadBytes, G_PRIORITY_DEFAULT, cancel.get(),
                                    after_read, this);
  }

  static void after_read(GObject* stream, GAsyncResult* result, gpointer data) {
    auto* self = static_cast<Request*>(data);
    g_autoptr(GError) error = nullptr;
    g_autoptr(GBytes) bytes =
        g_input_stream_read_bytes_finish(G_INPUT_STREAM(stream), result, &error);
    if (!bytes) return self->finish(error ? error->message : "no answer");
    gsize size = 0;
    const auto* text = static_cast<const char*>(g_bytes_get_data(bytes, &size));
    if (size == 0) return self->finish("");
    if (self->body.size() + size > kMaxReplyBytes) return self->finish("answer over 16 MiB");
    self->body.append(text, size);
    self->read();
  }

  /// The end, whatever way; frees this.
  void finish(const std::string& failure) {
    if (!http) {
      delete this;
      return;
    }
    const auto self = std::move(http->under_way_.at(this));
    http->under_way_.erase(this);
    Reply reply;
    if (!failure.empty()) {
      reply.error = timed_out
                        ? "no answer within " + std::to_string(http->access_.timeout_ms) + " ms"
                        : failure;
    } else {
      reply.status = soup_message_get_status(message.get());
      SoupMessageHeaders* headers = soup_message_get_response_headers(message.get());
      if (const char* server = soup_message_headers_get_one(headers, "Server"))
        reply.server = server;
      reply.body = json::parse(body);
      JsonObject* object = json::object(reply.body.get());
      reply.error = json::text(object, "message");
      if (reply.error.empty()) reply.error = json::text(object, "error");
      if (reply.error.empty() && !reply.ok())
        if (const char* phrase = soup_message_get_reason_phrase(message.get()))
          reply.error = phrase;
    }
    if (self->done) self->done(reply);
  }
};

std::string Reply::reason() const {
  return status ? std::to_string(status) + (error.empty() ? "" : " " + error) : error;
}

Http::Http(Access access)
    : access_(std::move(access)),
      session_(SOUP_SESSION(g_object_new(SOUP_TYPE_SESSION, "max-conns-per-host", kMaxConnections,
                                         "max-conns", kMaxConnections * 2, "user-agent", "dragoman",
                                         nullptr))) {}

Http::~Http() {
  for (auto& [request, owner] : under_way_) {
    request->http = nullptr;
    request->done = nullptr;
    if (request->timer) g_source_remove(request->timer);
    request->timer = 0;
    g_cancellable_cancel(request->cancel.get());
    owner.release();  // its cancelled operation frees it
  }
  under_way_.clear();
  soup_session_abort(session_.get());
}

std::string Http::escape(const std::string& part) {
  g_autofree char* escaped = g_uri_escape_string(part.c_str(), nullptr, TRUE);
  return escaped;
}

GObjectPtr<SoupMessage> Http::message(const char* method, const std::string& path,
                                      const Query& query) const {
  std::string url = access_.url + path;
  char separator = '?';
  for (const auto& [name, value] : query) {
    url += separator + name + "=" + escape(value);
    separator = '&';
  }
  GObjectPtr<SoupMessage> message(soup_message_new(method, url.c_str()));
  if (!message) return nullptr;
  const std::string pair = access_.user + ":" + access_.password;
  g_autofree char* encoded =
      g_base64_encode(reinterpret_cast<const guchar*>(pair.data()), pair.size());
  soup_message_headers_replace(soup_message_get_request_headers(message.get()), "Authorization",
                               (std::string("Basic ") + encoded).c_str());
  soup_message_add_flags(
      message.get(),
      static_cast<SoupMessageFlags>(SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_DO_NOT_USE_AUTH_CACHE));
  return message;
}

void Http::request(const char* method, const std::string& path, const Query& query, ReplyDone done,
                   const std::string& json_body) {
  auto request = std::make_unique<Request>();
  request->http = this;
  request->message = message(method, path, query);
  // No connection is kept idle: libsoup 3.2 crashes when an idle connection's timeout falls due in
  // the same turn of the main loop in which a request takes that connection.
  soup_message_headers_replace(soup_message_get_request_headers(request->message.get()),
                               "Connection", "close");
  request->done = std::move(done);
  if (!json_body.empty()) {
    g_autoptr(GBytes) bytes = g_bytes_new(json_body.data(), json_body.size());
    soup_message_set_request_body_from_bytes(request->message.get(), "application/json", bytes);
  }
  request->timer = g_timeout_add(access_.timeout_ms, Request::after_timeout, request.get());
  Request* started = request.get();
  under_way_.emplace(started, std::move(request));
  soup_session_send_async(session_.get(), started->message.get(), G_PRIORITY_DEFAULT,
                          started->cancel.get(), Request::after_send, started);
}

}  // namespace dragoman::ari
