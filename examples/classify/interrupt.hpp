// Interrupts: the first one lets the record under way finish, a second one ends the program at once.
#pragma once

namespace app {

/// Notes SIGINT instead of dying from it, and lets writes to a closed pipe fail instead of killing the program.
void catch_signals();
bool interrupt_requested();

/// While one lives, threads that are started leave SIGINT to the main thread, so that it wakes a read from standard input.
class without_interrupts {
public:
    without_interrupts();
    ~without_interrupts();
    without_interrupts(const without_interrupts&) = delete;
    without_interrupts& operator=(const without_interrupts&) = delete;
};

}  // namespace app
