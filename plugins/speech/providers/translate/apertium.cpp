// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/providers/translate/apertium.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <utility>

#include "plugins/speech/providers/translate/phrase.h"
#include "plugins/speech/providers/translate/process_chain.h"
#include "plugins/speech/providers/translate/stream_format.h"

namespace dragoman {
namespace {

using std::chrono::steady_clock;

constexpr size_t kMaxTextBytes = 16 << 10;
constexpr char kWarmUp[] = "one";
constexpr char kInstall[] = "apt-get install apertium";

/// A mutex that can be waited for until a time, of parts that thread sanitizers know
/// (pthread_mutex_clocklock, under std::timed_mutex, they take for none).
class Turn {
 public:
  bool try_lock_until(steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    if (!free_.wait_until(lock, deadline, [this] { return !taken_; })) return false;
    taken_ = true;
    return true;
  }
  void lock() {
    std::unique_lock lock(mutex_);
    free_.wait(lock, [this] { return !taken_; });
    taken_ = true;
  }
  void unlock() {
    std::lock_guard lock(mutex_);
    taken_ = false;
    free_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable free_;
  bool taken_ = false;
};

/// What runs for one pair. Its turn is held while a request is answered.
struct Direction {
  Turn turn;
  ProcessChain chain;
  bool answered = false;  // since the chain's start
};

}  // namespace

struct ApertiumProvider::State {
  ApertiumOptions options;
  Fd interrupt{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Spawner spawner;   // outlives the chains below
  std::mutex mutex;  // guards the map, not what is in it
  std::map<std::string, std::shared_ptr<Direction>> directions;

  std::shared_ptr<Direction> direction(const std::string& from, const std::string& to) {
    std::lock_guard lock(mutex);
    auto& slot = directions[from + ">" + to];
    if (!slot) slot = std::make_shared<Direction>();
    return slot;
  }

  std::string start(Direction& direction, const std::string& from, const std::string& to);
  TranslateResult ask(Direction& direction, const TranslateRequest& request);
};

// Returns what went wrong and its cure; empty: the chain runs.
std::string ApertiumProvider::State::start(Direction& direction, const std::string& from,
                                           const std::string& to) {
  std::error_code error;
  if (!std::filesystem::is_directory(options.modes_dir, error))
    return options.modes_dir.string() + " is missing: " + missing_pair_cure(from, to);
  auto mode = find_mode(options.modes_dir, from, to);
  if (!mode)
    return "no Apertium mode for " + from + " to " + to + " in " + options.modes_dir.string() +
           ": " + missing_pair_cure(from, to);
  std::ifstream file(*mode);
  std::stringstream text;
  text << file.rdbuf();
  auto stages = parse_mode(text.str());
  if (stages.empty())
    return mode->string() +
           " is not a mode file: apt-get install --reinstall the package of `dpkg "
           "-S " +
           mode->string() + "`";
  direction.answered = false;
  auto problem = direction.chain.start(stages, spawner);
  if (problem.empty()) return {};
  bool lexical = problem.starts_with("lrx-proc");
  return problem + ": " + kInstall + (lexical ? "-lex-tools" : "");
}

TranslateResult ApertiumProvider::State::ask(Direction& direction,
                                             const TranslateRequest& request) {
  std::string source = valid_utf8(request.text);  // anything else ends the programs
  using Status = ProcessChain::Answer::Status;
  auto limit = direction.answered ? options.answer_timeout : options.start_timeout;
  auto began = steady_clock::now();
  auto answer = direction.chain.exchange(
      to_apertium(source), std::min(request.deadline, began + limit), interrupt.get());
  if (answer.status == Status::complete && !is_whole(answer.text)) {
    auto death = direction.chain.death();
    if (!death.empty()) answer = {Status::died, death};
  }
  if (answer.status == Status::complete) {
    direction.answered = true;
    auto text = polish(source, valid_utf8(from_apertium(answer.text)), request.to);
    if (text.empty()) return {};
    return TranslateResult::translated(std::move(text));
  }
  direction.chain.stop();
  auto waited =
      std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - began).count();
  if (answer.status == Status::timed_out)
    return TranslateResult::failed("hung: no answer in " + std::to_string(waited) +
                                   " ms, its processes were killed");
  if (answer.status == Status::interrupted) return TranslateResult::failed_for_good("stopped");
  return TranslateResult::failed("died: " + answer.text);
}

ApertiumProvider::ApertiumProvider(ApertiumOptions options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
}

ApertiumProvider::~ApertiumProvider() = default;

TranslateResult ApertiumProvider::translate(const TranslateRequest& request) {
  if (request.text.size() > kMaxTextBytes)
    return TranslateResult::failed_for_good("the text is longer than " +
                                            std::to_string(kMaxTextBytes) + " bytes");
  auto direction = state_->direction(request.from, request.to);
  std::unique_lock lock(direction->turn, request.deadline);
  if (!lock) return TranslateResult::failed_for_good("busy with another sentence");
  if (!direction->chain.healthy())
    if (auto problem = state_->start(*direction, request.from, request.to); !problem.empty())
      return TranslateResult::failed_for_good(problem);
  return state_->ask(*direction, request);
}

std::string ApertiumProvider::prepare(const std::string& from, const std::string& to) {
  auto deadline = steady_clock::now() + state_->options.start_timeout;
  {
    auto direction = state_->direction(from, to);
    std::unique_lock lock(direction->turn, deadline);
    if (lock && direction->answered && direction->chain.healthy()) return {};
  }
  return translate({kWarmUp, from, to, deadline}).error;
}

void ApertiumProvider::interrupt() {
  uint64_t one = 1;
  [[maybe_unused]] auto written = write(state_->interrupt.get(), &one, sizeof one);
}

std::vector<int> ApertiumProvider::pids(const std::string& from, const std::string& to) {
  auto direction = state_->direction(from, to);
  std::lock_guard lock(direction->turn);
  return direction->chain.pids();
}

std::unique_ptr<TranslateProvider> make_apertium_provider(std::string_view option) {
  return option.empty() ? std::make_unique<ApertiumProvider>() : nullptr;
}

}  // namespace dragoman
