// interrupt.hpp on POSIX systems: signal handlers.
#include "platform/interrupt.hpp"

#include <atomic>
#include <csignal>

namespace app {
namespace {

constexpr int interrupting[]{SIGINT, SIGTERM, SIGHUP};
std::atomic<int> requested = 0;  // the signal; workers read it, too
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may write it");

void change_mask(int how) {
    sigset_t interrupts;
    sigemptyset(&interrupts);
    for (const int signal : interrupting) sigaddset(&interrupts, signal);
    pthread_sigmask(how, &interrupts, nullptr);
}

}  // namespace

void catch_signals() {
    struct sigaction note {};
    note.sa_handler = [](int signal) { requested = signal; };
    note.sa_flags = static_cast<int>(SA_RESETHAND);  // no SA_RESTART: a read from standard input ends
    for (const int signal : interrupting) {
        struct sigaction before {};
        sigaction(signal, &note, &before);
        if (signal == SIGHUP && before.sa_handler == SIG_IGN) std::signal(signal, SIG_IGN);
    }
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

bool interrupt_requested() { return requested != 0; }
int interrupt_code() { return 128 + requested; }

without_interrupts::without_interrupts() { change_mask(SIG_BLOCK); }
without_interrupts::~without_interrupts() { change_mask(SIG_UNBLOCK); }

}  // namespace app
