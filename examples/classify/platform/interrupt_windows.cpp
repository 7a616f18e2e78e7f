// interrupt.hpp on Windows, which reports Ctrl-C and closed consoles on a thread of its own.
#include <windows.h>

#include <atomic>

#include "platform/interrupt.hpp"

namespace app {
namespace {

// Numbers of the corresponding POSIX signals, for the exit code.
constexpr int hangup = 1, interrupt = 2, terminate = 15;
std::atomic<int> requested = 0;  // workers read it, too

BOOL WINAPI note(DWORD event) {
    const int signal = event == CTRL_C_EVENT ? interrupt : event == CTRL_BREAK_EVENT ? terminate : hangup;
    int none = 0;
    if (!requested.compare_exchange_strong(none, signal)) return FALSE;  // the second one: the default action
    // When a console closes or a session ends, the process ends with this function or after some seconds.
    if (signal == hangup) ::Sleep(INFINITE);
    return TRUE;
}

}  // namespace

void catch_signals() { ::SetConsoleCtrlHandler(&note, TRUE); }

bool interrupt_requested() { return requested != 0; }
int interrupt_code() { return 128 + requested; }

without_interrupts::without_interrupts() = default;
without_interrupts::~without_interrupts() = default;

}  // namespace app
