// platform.hpp on Windows. classify.rc makes UTF-8 the encoding of all narrow text: arguments, file names, messages.
#include "platform/platform.hpp"

#define WIN32_LEAN_AND_MEAN
#include <fcntl.h>
#include <io.h>
#include <sys/stat.h>
#include <windows.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

extern "C" {
extern int _dowildcard;
int _dowildcard = -1;  // the C library expands *.jpg, since no Windows shell does
}

namespace app {
namespace {

HANDLE handle_of(int descriptor) { return reinterpret_cast<HANDLE>(::_get_osfhandle(descriptor)); }

std::string to_utf8(const wchar_t* text, std::size_t size) {
    std::string out(3 * size, '\0');
    const int bytes =
        ::WideCharToMultiByte(CP_UTF8, 0, text, static_cast<int>(size), out.data(), static_cast<int>(out.size()), nullptr, nullptr);
    out.resize(static_cast<std::size_t>(bytes));
    return out;
}

// Reads a line as it is typed; a plain read would lose characters outside the console's code page.
std::ptrdiff_t read_console(char* to, std::size_t size) {
    std::array<wchar_t, 1024> line;
    const std::size_t max = std::min(line.size(), size / 3);
    DWORD got = 0;
    if (::ReadConsoleW(handle_of(standard_input), line.data(), static_cast<DWORD>(max), &got, nullptr) == 0) {
        errno = EIO;
        return -1;
    }
    if (got == 0) {  // Ctrl-C, which the handler's thread notes in a moment
        for (int i = 0; i < 100 && !interrupt_requested(); ++i) ::Sleep(1);
        errno = EINTR;
        return interrupt_requested() ? -1 : 0;
    }
    if (line[0] == 0x1A) return 0;  // Ctrl-Z
    const std::string text =
        to_utf8(line.data(), static_cast<std::size_t>(std::remove(line.data(), line.data() + got, L'\r') - line.data()));
    std::copy(text.begin(), text.end(), to);
    return static_cast<std::ptrdiff_t>(text.size());
}

enum class pipe_state { empty, readable, unknown };

pipe_state state_of_input() {
    DWORD bytes = 0;
    if (::PeekNamedPipe(handle_of(standard_input), nullptr, 0, nullptr, &bytes, nullptr) != 0)
        return bytes > 0 ? pipe_state::readable : pipe_state::empty;
    return ::GetLastError() == ERROR_BROKEN_PIPE ? pipe_state::readable : pipe_state::unknown;  // reading gives the end
}

// Writes all bytes by calls that may write fewer.
bool write_all(int descriptor, const char* from, std::size_t count) {
    while (count > 0) {
        const int written = ::_write(descriptor, from, static_cast<unsigned>(std::min(count, std::size_t{1} << 30)));
        if (written <= 0) return false;
        from += written;
        count -= static_cast<std::size_t>(written);
    }
    return true;
}

int flags_of(file::mode how) {
    switch (how) {
        case file::mode::read: return _O_RDONLY;
        case file::mode::write: return _O_WRONLY | _O_CREAT;
        case file::mode::append: return _O_RDWR | _O_APPEND | _O_CREAT;
        case file::mode::append_only: return _O_WRONLY | _O_APPEND | _O_CREAT;
    }
    return 0;
}

UINT console_before = 0;

}  // namespace

void prepare_streams() {
    static_cast<void>(::_setmode(standard_output, _O_BINARY));    // standard input stays in text mode: lists of files have CR LF
    std::setvbuf(stdout, nullptr, _IOFBF, std::size_t{1} << 16);  // otherwise a console gets single bytes, and letters in parts
    console_before = ::GetConsoleOutputCP();
    if (console_before == 0 || ::SetConsoleOutputCP(CP_UTF8) == 0) return;
    static_cast<void>(std::atexit([] { ::SetConsoleOutputCP(console_before); }));  // the console outlives the program
}

bool is_terminal(int stream) {
    DWORD mode = 0;
    return ::GetConsoleMode(handle_of(stream), &mode) != 0;
}

bool understands_escapes(int stream) {  // once the mode is set
    DWORD mode = 0;
    return ::GetConsoleMode(handle_of(stream), &mode) != 0 &&
           ::SetConsoleMode(handle_of(stream), mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING) != 0;
}

int terminal_width(int stream) {
    CONSOLE_SCREEN_BUFFER_INFO info;
    return ::GetConsoleScreenBufferInfo(handle_of(stream), &info) != 0 ? info.srWindow.Right - info.srWindow.Left + 1 : 80;
}

bool reader_is_gone(int error) {
    return error == EPIPE || (error == EINVAL && ::GetFileType(handle_of(standard_output)) == FILE_TYPE_PIPE);
}

bool write_output(std::string_view text) {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

// A blocked read cannot be cancelled. A pipe is asked whether it has data; a console or a socket, which does not tell, is read once
// every input before it is done.
std::ptrdiff_t read_input(char* to, std::size_t size, read_control& control) {
    const bool console = is_terminal(standard_input);
    const bool silent = console || (::GetFileType(handle_of(standard_input)) == FILE_TYPE_PIPE && state_of_input() == pipe_state::unknown);
    while (silent ? control.in_flight > 0 : state_of_input() == pipe_state::empty) {
        control.starved = true;
        ::Sleep(5);
        if (control.cancelled || interrupt_requested()) break;
    }
    if (control.cancelled || interrupt_requested()) {
        errno = EINTR;
        return -1;
    }
    control.starved = false;
    return console ? read_console(to, size) : ::_read(standard_input, to, static_cast<unsigned>(size));
}

bool may_write_into(const std::string& folder) { return ::_access(folder.c_str(), 2) == 0; }

file::file(const std::string& path, mode how)
    : descriptor_{::_open(path.c_str(), flags_of(how) | _O_BINARY | _O_NOINHERIT, _S_IREAD | _S_IWRITE)} {}

file::~file() {
    if (*this) ::_close(descriptor_);
}

std::optional<std::uint64_t> file::size() const {
    struct _stat64 status;
    if (::_fstat64(descriptor_, &status) != 0 || (status.st_mode & _S_IFMT) != _S_IFREG) return std::nullopt;
    return static_cast<std::uint64_t>(status.st_size);
}

std::ptrdiff_t file::read(char* to, std::size_t count, read_control&) const {
    return ::_read(descriptor_, to, static_cast<unsigned>(std::min(count, std::size_t{1} << 30)));
}

bool file::skip(std::uint64_t bytes) const { return ::_lseeki64(descriptor_, static_cast<std::int64_t>(bytes), SEEK_CUR) >= 0; }

std::ptrdiff_t file::read_at(std::uint64_t at, char* to, std::size_t count) const {
    if (::_lseeki64(descriptor_, static_cast<std::int64_t>(at), SEEK_SET) < 0) return -1;
    return ::_read(descriptor_, to, static_cast<unsigned>(std::min(count, std::size_t{1} << 30)));
}

bool file::write_at(std::uint64_t at, const void* data, std::size_t count) const {
    return ::_lseeki64(descriptor_, static_cast<std::int64_t>(at), SEEK_SET) >= 0 &&
           write_all(descriptor_, static_cast<const char*>(data), count);
}

bool file::append(const std::string& text) const { return write_all(descriptor_, text.data(), text.size()); }

std::uint64_t memory_bytes() {
    MEMORYSTATUSEX status{};
    status.dwLength = sizeof status;
    return ::GlobalMemoryStatusEx(&status) != 0 ? status.ullTotalPhys : 0;
}

// Locks a byte beyond the end of any file, since locked bytes cannot be read.
file::lock_result file::lock() const {
    OVERLAPPED place{};
    place.OffsetHigh = 0x7FFFFFFF;
    if (::LockFileEx(handle_of(descriptor_), LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &place) != 0)
        return lock_result::done;
    const bool taken = ::GetLastError() == ERROR_LOCK_VIOLATION;
    errno = ENOLCK;
    return taken ? lock_result::taken : lock_result::impossible;
}

bool file::truncate(std::uint64_t size) const {
    errno = ::_chsize_s(descriptor_, static_cast<std::int64_t>(size));
    return errno == 0;
}

bool file::sync() const { return !size() || ::_commit(descriptor_) == 0; }

// ---- interrupts

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
