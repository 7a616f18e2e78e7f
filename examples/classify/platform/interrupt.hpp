// Interrupts: the first one lets the record in progress finish, a second one ends the program at once.
#pragma once

#include "common/failure.hpp"

namespace app {

/// Notes SIGINT, SIGTERM and SIGHUP instead of ending the process (an ignored SIGHUP stays ignored: nohup), and lets writes to a
/// closed pipe or beyond a file size limit fail.
void catch_signals();
bool interrupt_requested();
/// The exit code that shells report for the signal: 130, 143 or 129.
int interrupt_code();
/// Ends the program quietly if an interrupt made the last call fail.
inline void end_if_interrupted() {
    if (interrupt_requested()) throw failure{static_cast<exit_code>(interrupt_code()), ""};
}

/// While an object lives, new threads leave these signals to the main thread, whose blocking calls they end.
class without_interrupts {
public:
    without_interrupts();
    ~without_interrupts();
    without_interrupts(const without_interrupts&) = delete;
    without_interrupts& operator=(const without_interrupts&) = delete;
};

}  // namespace app
