// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/calls/sweeper.h"

#include "launcher/util/log.h"

namespace dragoman {

void Sweeper::add(Job job) {
  const std::string key = (job.is_bridge ? "bridge " : "channel ") + job.id;
  if (jobs_.emplace(key, std::move(job)).second) attempt(key);
}

void Sweeper::attempt(const std::string& key) {
  Job& job = jobs_.at(key);
  ++job.tries;
  const auto done = [this, key](const ari::Reply& reply) { after_attempt(key, reply); };
  if (job.is_bridge)
    client_.destroy_bridge(job.id, done);
  else
    client_.hang_up(job.id, job.cause, done);
}

void Sweeper::after_attempt(const std::string& key, const ari::Reply& reply) {
  Job& job = jobs_.at(key);
  const bool gone = reply.ok() || reply.status == 404;
  if (!gone && job.tries < kTries) {
    job.timer->start(kRetryMs << job.tries, [this, key] { attempt(key); });
    return;
  }
  if (!gone)
    log::warning("calls", key + " could not be deleted (" + reply.reason() +
                              "); it will be after the next connection to Asterisk");
  jobs_.erase(key);
  if (jobs_.empty() && on_idle_) on_idle_();
}

}  // namespace dragoman
