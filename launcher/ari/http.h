// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests to ARI's REST interface. Main loop thread only.
#pragma once

#include <libsoup/soup.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "launcher/ari/json.h"
#include "plugins/common/handles.h"

namespace dragoman::ari {

/// Where ARI is and who asks.
struct Access {
  std::string url;  ///< without a slash at the end: http://127.0.0.1:8088/ari
  std::string user, password;
  int timeout_ms = 5000;
};

/// What came back. status 0: no answer, `error` says why.
struct Reply {
  unsigned status = 0;
  std::string error;   ///< why there was no answer, or ARI's own message
  std::string server;  ///< the header Server
  json::NodePtr body;  ///< null when there is none, or it is not JSON

  bool ok() const { return status >= 200 && status < 300; }
  /// "404 Channel not found", or why there was no answer.
  std::string reason() const;
};

using Query = std::map<std::string, std::string>;
using ReplyDone = std::function<void(const Reply&)>;

class Http {
 public:
  explicit Http(Access access);
  ~Http();  ///< drops what is under way: its callbacks are not called
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  /// `path` begins with a slash, its parts escaped with escape(). `done` is called once, from the
  /// main loop, no later than the timeout.
  void request(const char* method, const std::string& path, const Query& query, ReplyDone done,
               const std::string& json_body = {});

  /// A message with the credentials, for the session; null when the address cannot be used.
  GObjectPtr<SoupMessage> message(const char* method, const std::string& path,
                                  const Query& query) const;
  SoupSession* session() const { return session_.get(); }
  const Access& access() const { return access_; }
  static std::string escape(const std::string& part);

 private:
  struct Request;
  Access access_;
  GObjectPtr<SoupSession> session_;
  std::map<Request*, std::unique_ptr<Request>> under_way_;
};

}  // namespace dragoman::ari
