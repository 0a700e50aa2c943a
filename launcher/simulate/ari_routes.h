// SPDX-License-Identifier: LGPL-2.1-or-later
// Which ARI request does what to a switchboard.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "launcher/simulate/switchboard.h"

namespace dragoman {

/// A request below /ari.
struct AriRequest {
  std::string method;
  std::vector<std::string> path;  ///< its parts, decoded: {"channels", "id", "answer"}
  std::map<std::string, std::string> parameters;      ///< of the query, then of a JSON body
  std::map<std::string, std::string> variables = {};  ///< of a JSON body's "variables"
};

struct AriReply {
  int status = 404;
  std::string body;  ///< JSON, or empty
  /// An external-media channel that is to enter the application.
  std::string entering = {};
};

/// Carries out `request`. `registered`: a client has the application.
AriReply handle_ari_request(Switchboard& switchboard, const AriRequest& request, bool registered);

}  // namespace dragoman
