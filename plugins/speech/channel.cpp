// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/channel.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace dragoman {
namespace {

struct Entry {
  explicit Entry(ChannelListener& listener) : listener(listener) {}
  ChannelListener& listener;
  bool listening = true;
  std::thread::id called_on;  // the thread that is in the listener's function; none: not called
};

// One thread at a time delivers a channel's clauses, those published meanwhile included: so they
// stay in order, and nobody waits for another's listeners.
struct Channel {
  std::vector<std::shared_ptr<Entry>> entries;
  std::deque<std::shared_ptr<const Clause>> waiting;  // null: the publisher has ended
  bool delivering = false;
};

}  // namespace

struct Channels::Impl {
  std::mutex mutex;  // guards all below; never held during a call to a listener
  std::condition_variable returned;
  std::map<std::string, Channel> channels;

  void call(const std::string& name, const std::shared_ptr<const Clause>& clause,
            const std::shared_ptr<Entry>& entry, std::unique_lock<std::mutex>& lock) {
    if (!entry->listening) return;
    entry->called_on = std::this_thread::get_id();
    lock.unlock();
    if (clause) {
      entry->listener.on_clause(clause);
    } else {
      entry->listener.on_end(name);
    }
    lock.lock();
    entry->called_on = {};
    returned.notify_all();
  }

  void deliver(const std::string& name, const std::shared_ptr<const Clause>& clause) {
    std::unique_lock lock(mutex);
    const auto found = channels.find(name);
    if (found == channels.end()) return;
    Channel& channel = found->second;  // stays while `delivering`
    channel.waiting.push_back(clause);
    if (channel.delivering) return;
    channel.delivering = true;
    while (!channel.waiting.empty()) {
      const auto next = std::move(channel.waiting.front());
      channel.waiting.pop_front();
      const auto entries = channel.entries;
      for (const auto& entry : entries) call(name, next, entry, lock);
    }
    channel.delivering = false;
    remove_if_unused(name);
  }

  void remove_if_unused(const std::string& name) {
    const auto found = channels.find(name);
    if (found != channels.end() && found->second.entries.empty() && !found->second.delivering) {
      channels.erase(found);
    }
  }

  void unlisten(const std::string& name, const std::shared_ptr<Entry>& entry) {
    std::unique_lock lock(mutex);
    entry->listening = false;
    if (const auto found = channels.find(name); found != channels.end()) {
      std::erase(found->second.entries, entry);
      remove_if_unused(name);
    }
    // A listener that lets go of its own handle during its call cannot wait for that call.
    returned.wait(lock, [&] {
      return entry->called_on == std::thread::id{} ||
             entry->called_on == std::this_thread::get_id();
    });
  }
};

Channels::Channels() : impl_(std::make_unique<Impl>()) {}
Channels::~Channels() = default;

Channels& Channels::instance() {
  static auto* const channels = new Channels;  // outlives every listener, even at exit
  return *channels;
}

std::shared_ptr<void> Channels::listen(const std::string& channel, ChannelListener& listener) {
  auto entry = std::make_shared<Entry>(listener);
  std::lock_guard lock(impl_->mutex);
  impl_->channels[channel].entries.push_back(entry);
  return {entry.get(), [this, channel, entry](void*) { impl_->unlisten(channel, entry); }};
}

void Channels::publish(const std::shared_ptr<const Clause>& clause) {
  impl_->deliver(clause->channel, clause);
}

void Channels::end(const std::string& channel) { impl_->deliver(channel, nullptr); }

}  // namespace dragoman
