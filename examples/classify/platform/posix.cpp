// platform.hpp on POSIX systems.
#define _FILE_OFFSET_BITS 64  // for glibc on 32-bit machines: positions have 64 bits
#include "platform/platform.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace app {
namespace {

static_assert(sizeof(off_t) == sizeof(std::uint64_t));

// Writes all bytes. A call may write fewer bytes, or none because of a signal. An interrupt ends the wait for a reader.
template <class Write, class MayWait>
bool write_all(const char* from, std::size_t count, Write write, MayWait may_wait) {
    for (std::size_t done = 0; done < count;) {
        const ssize_t written = write(from + done, count - done, done);
        if (written < 0 && errno == EINTR && !(interrupt_requested() && may_wait())) continue;
        if (written <= 0) return false;
        done += static_cast<std::size_t>(written);
    }
    return true;
}

// The descriptor may be non-blocking: pipes are opened so, and another process with the same pipe or terminal may have made it so.
std::ptrdiff_t read_some(int descriptor, char* to, std::size_t size, read_control& control) {
    constexpr int soon = 2;     // ms in which a busy writer sends more, so that a batch can still be filled
    constexpr int moment = 50;  // ms after which an interrupt or cancel is noticed
    for (int patience = soon; !interrupt_requested() && !control.cancelled; patience = moment) {
        pollfd state{descriptor, POLLIN, 0};
        const int ready = ::poll(&state, 1, patience);
        control.starved = ready == 0;
        if (ready <= 0) continue;
        const ssize_t got = ::read(descriptor, to, size);
        if (got >= 0 || (errno != EAGAIN && errno != EINTR)) return got;
    }
    errno = EINTR;
    return -1;
}

int flags_of(file::mode how) {
    switch (how) {
        case file::mode::read: return O_RDONLY;
        case file::mode::write: return O_WRONLY | O_CREAT;
        case file::mode::append: return O_RDWR | O_APPEND | O_CREAT;
        case file::mode::append_only: return O_WRONLY | O_APPEND | O_CREAT;
    }
    return 0;
}

}  // namespace

// Otherwise the next file that is opened would get a closed stream's number, and with it the stream's data: records in the file of
// --logits. The device is opened in the wrong direction, so that using a closed stream remains an error.
void prepare_streams() {
    for (int stream = standard_input; stream <= standard_error; ++stream)
        if (::fcntl(stream, F_GETFD) < 0) static_cast<void>(::open("/dev/null", stream == standard_input ? O_WRONLY : O_RDONLY));
}

bool is_terminal(int stream) { return ::isatty(stream) != 0; }

bool understands_escapes(int stream) {
    const char* kind = std::getenv("TERM");
    return is_terminal(stream) && kind != nullptr && *kind != '\0' && std::string_view{kind} != "dumb";
}

int terminal_width(int stream) {
    winsize size{};
    return ::ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool reader_is_gone(int error) { return error == EPIPE; }

bool write_output(std::string_view text) {
    const auto write = [](const char* from, std::size_t rest, std::size_t) {
        for (;;) {
            const ssize_t written = ::write(standard_output, from, rest);
            if (written >= 0 || errno != EAGAIN) return written;
            pollfd state{standard_output, POLLOUT, 0};  // it may be non-blocking, as in read_some
            if (::poll(&state, 1, -1) < 0) return ssize_t{-1};
        }
    };
    return write_all(text.data(), text.size(), write, [] { return true; });
}

std::ptrdiff_t read_input(char* to, std::size_t size, read_control& control) { return read_some(standard_input, to, size, control); }

bool may_write_into(const std::string& folder) { return ::access(folder.c_str(), W_OK | X_OK) == 0; }

// Opening a pipe waits for its reader. An interrupt must end that wait even if it comes just before, so open() itself must not block.
file::file(const std::string& path, mode how) {
    struct stat status {};
    for (;;) {
        descriptor_ = ::open(path.c_str(), flags_of(how) | O_NONBLOCK | O_CLOEXEC, 0666);
        if (*this || errno != ENXIO || ::stat(path.c_str(), &status) != 0 || !S_ISFIFO(status.st_mode)) break;
        if (interrupt_requested()) {
            errno = EINTR;
            return;
        }
        ::poll(nullptr, 0, 20);
    }
    if (*this && how != mode::read) ::fcntl(descriptor_, F_SETFL, ::fcntl(descriptor_, F_GETFL) & ~O_NONBLOCK);
}

file::~file() {
    if (*this) ::close(descriptor_);
}

std::optional<std::uint64_t> file::size() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return static_cast<std::uint64_t>(status.st_size);
}

std::ptrdiff_t file::read(char* to, std::size_t count, read_control& control) const { return read_some(descriptor_, to, count, control); }

bool file::skip(std::uint64_t bytes) const { return ::lseek(descriptor_, static_cast<off_t>(bytes), SEEK_CUR) >= 0; }

std::ptrdiff_t file::read_at(std::uint64_t at, char* to, std::size_t count) const {
    for (;;) {
        const ssize_t got = ::pread(descriptor_, to, count, static_cast<off_t>(at));
        if (got >= 0 || errno != EINTR) return got;
    }
}

bool file::write_at(std::uint64_t at, const void* data, std::size_t count) const {
    const auto write = [&](const char* from, std::size_t rest, std::size_t done) {
        return ::pwrite(descriptor_, from, rest, static_cast<off_t>(at + done));
    };
    return write_all(static_cast<const char*>(data), count, write, [] { return false; });
}

std::uint64_t memory_bytes() {
    const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
}

bool file::append(const std::string& text) const {
    const auto write = [&](const char* from, std::size_t rest, std::size_t) { return ::write(descriptor_, from, rest); };
    return write_all(text.data(), text.size(), write, [&] { return !size(); });
}

file::lock_result file::lock() const {
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return lock_result::done;
    return errno == EWOULDBLOCK ? lock_result::taken : lock_result::impossible;
}

bool file::truncate(std::uint64_t size) const { return ::ftruncate(descriptor_, static_cast<off_t>(size)) == 0; }

bool file::sync() const {
    return ::fsync(descriptor_) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS;  // pipes and devices have no disk
}

// ---- interrupts

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
