// Signal handlers of the command line.
#include "interrupt.hpp"

#include <csignal>

namespace app {
namespace {

volatile std::sig_atomic_t requested = 0;

void change_mask(int how) {
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    pthread_sigmask(how, &interrupts, nullptr);
}

}  // namespace

void catch_signals() {
    struct sigaction note {};
    note.sa_handler = [](int) { requested = 1; };
    note.sa_flags = static_cast<int>(SA_RESETHAND);  // no SA_RESTART: a read from standard input ends
    sigaction(SIGINT, &note, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

bool interrupt_requested() { return requested != 0; }

without_interrupts::without_interrupts() { change_mask(SIG_BLOCK); }
without_interrupts::~without_interrupts() { change_mask(SIG_UNBLOCK); }

}  // namespace app
