// SPDX-License-Identifier: LGPL-2.1-or-later
// Threads: clauses of one channel and target language are a *strand*, worked on one at a time and
// in order. The strands of one pair of languages share a *lane* of a few threads, so a provider
// that hangs over one pair leaves the others alone, and over one channel, all but it. One mutex
// guards all of that; it is never held while a provider works or a result is handed over.
#include "plugins/speech/translation_service.h"

#include <glib.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <utility>

#include "plugins/speech/providers/translate/memory.h"
#include "plugins/speech/providers/translate/mode_file.h"
#include "plugins/speech/providers/translate/provider.h"
#include "plugins/speech/providers/translate/service.h"
#include "plugins/speech/providers/translate/walk.h"

namespace dragoman {
namespace {

using std::chrono::steady_clock;

constexpr size_t kMaxUserMemories = 16;
constexpr size_t kMaxReported = 1024;
constexpr char kUserMemoryName[] = "memory";

uint64_t utc_ns() { return static_cast<uint64_t>(g_get_real_time()) * 1000; }

bool same_language(const std::string& a, const std::string& b) {
  return primary_tag(a) == primary_tag(b);
}

struct Job {
  std::shared_ptr<const Clause> clause;
  std::string language;
  std::vector<std::string> providers;
  std::string user_memory;
  TranslationService::Done done;  // empty: prepare
  steady_clock::time_point requested = steady_clock::now();
  bool too_late = false;  // hand on untranslated
};

// What a job amounts to: the same for every listener of the clause in this language.
std::string identity(const Job& job) {
  const auto& clause = *job.clause;
  std::string key = clause.channel + '\n' + std::to_string(clause.utterance) + ' ' +
                    std::to_string(clause.clause) + '\n' + clause.language + '>' + job.language +
                    '\n' + job.user_memory;
  for (const auto& provider : job.providers) key += '\n' + provider;
  return key + '\n' + clause.text;
}

struct Outcome {
  Translation translation;
  std::vector<ProviderFailure> failures;
};

// The outcomes that were used last.
class Memo {
 public:
  explicit Memo(size_t limit) : limit_(limit) {}

  const Outcome* find(const std::string& key) {
    auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &entries_.front().second;
  }

  void add(const std::string& key, const Outcome& outcome) {
    entries_.emplace_front(key, outcome);
    places_[key] = entries_.begin();
    if (entries_.size() <= limit_) return;
    places_.erase(entries_.back().first);
    entries_.pop_back();
  }

 private:
  using Entries = std::list<std::pair<std::string, Outcome>>;
  const size_t limit_;
  Entries entries_;
  std::unordered_map<std::string, Entries::iterator> places_;
};

// The process's providers, made when first asked for.
class ProviderPool {
 public:
  explicit ProviderPool(std::vector<TranslateProviderEntry> table) : table_(std::move(table)) {}

  std::vector<NamedProvider> list(const std::vector<std::string>& names,
                                  const std::string& user_memory) {
    std::lock_guard lock(mutex_);
    std::vector<NamedProvider> out;
    if (!user_memory.empty()) out.push_back({kUserMemoryName, user_provider(user_memory), {}});
    for (const auto& name : names) out.push_back(named(name));
    return out;
  }

  void interrupt() {
    std::lock_guard lock(mutex_);
    for (auto& [spec, entry] : made_)
      if (entry.provider) entry.provider->interrupt();
  }

 private:
  NamedProvider named(const std::string& spec) {
    auto found = made_.find(spec);
    if (found == made_.end()) found = made_.emplace(spec, make(spec)).first;
    return found->second;
  }

  NamedProvider make(const std::string& spec) const {
    auto colon = spec.find(':');
    std::string name = spec.substr(0, colon), known;
    std::string option = colon == std::string::npos ? "" : spec.substr(colon + 1);
    for (const auto& entry : table_) {
      known += (known.empty() ? "" : ", ") + entry.name;
      if (entry.name != name) continue;
      std::shared_ptr<TranslateProvider> provider = entry.make(option);
      if (provider) return {name, provider, {}};
      return {name, nullptr, "the option \"" + option + "\" is not understood: leave it out"};
    }
    return {name, nullptr, "there is no such translate provider: choose from " + known};
  }

  std::shared_ptr<TranslateProvider> user_provider(const std::string& path) {
    auto& slot = user_memories_[path];
    if (!slot) slot = std::make_shared<MemoryProvider>(path);
    auto provider = slot;
    if (user_memories_.size() > kMaxUserMemories)
      user_memories_.erase(user_memories_.begin()->first == path ? std::next(user_memories_.begin())
                                                                 : user_memories_.begin());
    return provider;
  }

  const std::vector<TranslateProviderEntry> table_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, NamedProvider> made_;
  std::map<std::string, std::shared_ptr<TranslateProvider>> user_memories_;
};

// What the threads share; it outlives the service if the last holder lets go on one of them.
class Core : public std::enable_shared_from_this<Core> {
 public:
  Core(const std::vector<TranslateProviderEntry>& table, TranslationServiceLimits limits)
      : limits_(limits), pool_(table), memo_(limits.remembered) {}

  void submit(Job job) {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    auto& strand = strands_[job.clause->channel + '\n' + job.language];
    strand.waiting.push_back(std::move(job));
    if (strand.waiting.size() > limits_.waiting)
      for (size_t i = 0; i + 1 < strand.waiting.size(); ++i) strand.waiting[i].too_late = true;
    if (!strand.scheduled) schedule(strand);
  }

  void submit_preparation(const std::string& from, Job job) {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    auto& lane = lane_of(from, job.language);
    lane.preparations.push_back([this, from, job = std::move(job)] { prepare(from, job); });
    wake(lane);
  }

  // Ends all threads; to be called once. A thread that calls it ends when it returns to its loop.
  void stop() {
    std::vector<std::thread> threads;
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      for (auto& [pair, lane] : lanes_) {
        lane.changed.notify_all();
        std::move(lane.threads.begin(), lane.threads.end(), std::back_inserter(threads));
        lane.threads.clear();
      }
    }
    pool_.interrupt();
    for (auto& thread : threads) {
      if (thread.get_id() == std::this_thread::get_id())
        thread.detach();
      else
        thread.join();
    }
  }

 private:
  struct Strand {
    std::deque<Job> waiting;
    bool scheduled = false;  // in a lane's queue, or being worked on
  };
  struct Lane {
    std::condition_variable changed;
    std::deque<std::function<void()>> preparations;
    std::deque<Strand*> ready;
    std::vector<std::thread> threads;
    size_t idle = 0;
    bool has_work() const { return !ready.empty() || !preparations.empty(); }
  };

  Lane& lane_of(const std::string& from, const std::string& to) {
    return lanes_[primary_tag(from) + ">" + primary_tag(to)];
  }

  void schedule(Strand& strand) {
    strand.scheduled = true;
    const auto& job = strand.waiting.front();
    auto& lane = lane_of(job.clause->language, job.language);
    lane.ready.push_back(&strand);
    wake(lane);
  }

  void wake(Lane& lane) {
    size_t work = lane.ready.size() + lane.preparations.size();
    if (lane.idle < work && lane.threads.size() < limits_.threads_per_pair)
      lane.threads.emplace_back([self = shared_from_this(), &lane] { self->loop(lane); });
    lane.changed.notify_one();
  }

  void loop(Lane& lane) {
    std::unique_lock lock(mutex_);
    while (true) {
      ++lane.idle;
      lane.changed.wait(lock, [&] { return stopping_ || lane.has_work(); });
      --lane.idle;
      if (stopping_) return;
      if (!lane.ready.empty())
        work_on_strand(lane, lock);
      else
        work_on_preparation(lane, lock);
    }
  }

  void work_on_preparation(Lane& lane, std::unique_lock<std::mutex>& lock) {
    auto preparation = std::move(lane.preparations.front());
    lane.preparations.pop_front();
    lock.unlock();
    preparation();
    preparation = nullptr;
    lock.lock();
  }

  void work_on_strand(Lane& lane, std::unique_lock<std::mutex>& lock) {
    Strand& strand = *lane.ready.front();
    lane.ready.pop_front();
    Job job = std::move(strand.waiting.front());
    strand.waiting.pop_front();
    std::string name = job.clause->channel + '\n' + job.language;
    lock.unlock();
    deliver(job);
    job = {};  // what it holds may be the service itself
    lock.lock();
    if (!strand.waiting.empty())
      schedule(strand);
    else
      strands_.erase(name);
  }

  void deliver(const Job& job) {
    auto outcome = outcome_of(job);
    if (is_stopping()) return;
    std::erase_if(outcome.failures, [&](const ProviderFailure& failure) {
      return was_reported(job.clause->channel, failure);
    });
    job.done(outcome.translation, outcome.failures);
  }

  Outcome outcome_of(const Job& job) {
    auto key = identity(job);
    {
      std::lock_guard lock(mutex_);
      if (const auto* known = memo_.find(key)) return *known;
    }
    auto outcome = make_outcome(job);
    std::lock_guard lock(mutex_);
    memo_.add(key, outcome);
    return outcome;
  }

  Outcome make_outcome(const Job& job) {
    WalkResult walked;
    if (same_language(job.clause->language, job.language)) {
      walked = {job.clause->text, "none", {}};
    } else if (job.too_late) {
      walked = {job.clause->text,
                "none",
                {{job.providers.empty() ? "none" : job.providers.front(),
                  "more than " + std::to_string(limits_.waiting) +
                      " clauses waited: this one was left untranslated",
                  ""}}};
    } else {
      walked = translate_through(pool_.list(job.providers, job.user_memory), job.clause->text,
                                 job.clause->language, job.language);
    }
    std::chrono::duration<double, std::milli> took = steady_clock::now() - job.requested;
    return {{job.clause, std::move(walked.text), job.language, std::move(walked.provider), utc_ns(),
             took.count()},
            std::move(walked.failures)};
  }

  void prepare(const std::string& from, const Job& job) {
    if (same_language(from, job.language)) return;
    for (const auto& [name, provider, error] : pool_.list(job.providers, job.user_memory)) {
      std::string problem = provider ? provider->prepare(from, job.language) : error;
      if (!problem.empty()) g_warning("translate provider %s: %s", name.c_str(), problem.c_str());
    }
  }

  bool is_stopping() {
    std::lock_guard lock(mutex_);
    return stopping_;
  }

  // What concerns a file or the setting, and not one sentence, is said once per channel: it comes
  // with the provider itself going on.
  bool was_reported(const std::string& channel, const ProviderFailure& failure) {
    bool standing = failure.provider == kUserMemoryName;
    if (!standing || failure.next.empty()) return false;
    std::lock_guard lock(mutex_);
    if (reported_.size() > kMaxReported) reported_.clear();
    return !reported_.insert(channel + '\n' + failure.error).second;
  }

  const TranslationServiceLimits limits_;
  ProviderPool pool_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, Lane> lanes_;
  std::map<std::string, Strand> strands_;
  Memo memo_;
  std::set<std::string> reported_;
  bool stopping_ = false;
};

class Service : public TranslationService {
 public:
  Service(const std::vector<TranslateProviderEntry>& table, TranslationServiceLimits limits)
      : core_(std::make_shared<Core>(table, limits)) {}
  ~Service() override { core_->stop(); }

  void translate(std::shared_ptr<const Clause> clause, const std::string& language,
                 const std::vector<std::string>& providers, const std::string& user_memory,
                 Done done) override {
    core_->submit({std::move(clause), language, providers, user_memory, std::move(done)});
  }

  void prepare(const std::string& from, const std::string& language,
               const std::vector<std::string>& providers, const std::string& user_memory) override {
    core_->submit_preparation(from, {nullptr, language, providers, user_memory, {}});
  }

 private:
  const std::shared_ptr<Core> core_;
};

}  // namespace

std::shared_ptr<TranslationService> make_translation_service(
    const std::vector<TranslateProviderEntry>& providers, TranslationServiceLimits limits) {
  return std::make_shared<Service>(providers, limits);
}

std::shared_ptr<TranslationService> TranslationService::shared() {
  static std::mutex mutex;
  static std::weak_ptr<TranslationService> current;
  std::lock_guard lock(mutex);
  auto service = current.lock();
  if (!service) current = service = make_translation_service(translate_providers());
  return service;
}

}  // namespace dragoman
