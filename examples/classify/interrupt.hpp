// Interrupts: the first one lets the record under way finish, a second one ends the program at once.
#pragma once

#include "failure.hpp"

namespace app {

/// Notes SIGINT, SIGTERM and SIGHUP instead of dying from them (an ignored SIGHUP stays so: nohup), and lets writes to a
/// closed pipe or beyond a limit on file sizes fail instead of killing the program.
void catch_signals();
bool interrupt_requested();
/// What shells report for the signal that came: 130, 143 or 129.
int interrupt_code();
/// After a call that an interrupt made fail: ends the program quietly.
inline void end_if_interrupted() {
    if (interrupt_requested()) throw failure{static_cast<exit_code>(interrupt_code()), ""};
}

/// While one lives, threads that are started leave these signals to the main thread, so that they wake a read from standard input.
class without_interrupts {
public:
    without_interrupts();
    ~without_interrupts();
    without_interrupts(const without_interrupts&) = delete;
    without_interrupts& operator=(const without_interrupts&) = delete;
};

}  // namespace app
