// Workers that are killed at random and restarted until they are done leave exactly one record for each image.
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <random>

#include "cli/classify.hpp"
#include "cli/pictures.hpp"

using namespace cvt_test;

namespace {

namespace fs = std::filesystem;

/// Starts the process of a shard, without pipes, so that nothing waits for it after it is killed.
pid_t start(const std::vector<std::string>& arguments) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    const int null = ::open("/dev/null", O_RDWR);
    for (int stream = 0; stream < 3; ++stream) ::dup2(null, stream);
    become_classify(arguments);
}

std::uintmax_t size_of(const std::string& path) {
    std::error_code missing;
    const std::uintmax_t size = fs::file_size(path, missing);
    return missing ? 0 : size;
}

struct totals {
    int kills = 0, torn = 0, lives = 0;
};

/// Runs `workers` shards over `directory` and kills them at least `kills` times in total while they have work left.
totals run_and_kill(const std::string& directory, const temporary_folder& folder, int images, int workers, int kills) {
    std::mt19937 random{std::random_device{}()};  // the timing differs from run to run anyway
    const auto up_to = [&](int max) { return std::uniform_int_distribution<int>{0, max}(random); };
    struct worker {
        std::vector<std::string> arguments;
        std::string out;
        int deaths = 0;
    };
    std::vector<worker> waiting;
    for (int i = 0; i < workers; ++i) {
        const std::string shard = std::to_string(i) + '/' + std::to_string(workers), out = folder / ("out-" + std::to_string(i) + ".jsonl");
        waiting.push_back({{"--size", "32", "--top-k", "1", "--format", "jsonl", "--batch", i % 2 == 0 ? "1" : "5", "--shard", shard,
                            "--out", out, "--resume", directory},
                           out});
    }
    struct life {
        worker who;
        pid_t id;
        std::uintmax_t deadly_size;
        std::chrono::steady_clock::time_point deadly_time;
    };
    // Records between two kills, so that each worker can be killed the required number of times before it finishes.
    const int deaths = (kills + workers - 1) / workers, records = images / workers / (deaths + 3);
    constexpr std::uintmax_t record_bytes = 160;
    totals t;
    std::vector<life> lives;
    while (!waiting.empty() || !lives.empty()) {
        while (!waiting.empty()) {
            worker w = waiting.back();
            waiting.pop_back();
            const std::uintmax_t more = record_bytes * static_cast<std::uintmax_t>(up_to(records)) + 1;
            const auto now = std::chrono::steady_clock::now();
            // One in four is killed early: while it loads, reads its file, or lists the folder.
            const auto limit = up_to(3) == 0 ? std::chrono::milliseconds{up_to(40)} : std::chrono::milliseconds{60'000};
            const pid_t id = start(w.arguments);
            const std::uintmax_t deadly = size_of(w.out) + more;
            lives.push_back({std::move(w), id, deadly, now + limit});
            ++t.lives;
        }
        for (std::size_t i = 0; i < lives.size();) {
            life& l = lives[i];
            if (l.who.deaths < deaths && (size_of(l.who.out) >= l.deadly_size || std::chrono::steady_clock::now() >= l.deadly_time))
                ::kill(l.id, SIGKILL);
            int status = 0;
            if (::waitpid(l.id, &status, WNOHANG) == 0) {
                ++i;
                continue;
            }
            const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
            if (!killed) {
                REQUIRE(WIFEXITED(status));
                REQUIRE(WEXITSTATUS(status) == 0);
                CHECK(l.who.deaths == deaths);
            } else {
                ++t.kills;
                ++l.who.deaths;
                // The death of a process rarely leaves an incomplete line: this truncates the file as a full disk or a lost machine would.
                const std::uintmax_t size = size_of(l.who.out);
                if (size > record_bytes && up_to(1) == 0) {
                    fs::resize_file(l.who.out, size - 1 - static_cast<std::uintmax_t>(up_to(250)) % (size - 1));
                    ++t.torn;
                }
                waiting.push_back(l.who);
            }
            lives.erase(lives.begin() + static_cast<std::ptrdiff_t>(i));
        }
        ::usleep(200);
    }
    return t;
}

void killed(int images, int workers, int kills) {
    const temporary_folder folder;
    const std::string directory = folder / "images";
    fs::create_directory(directory);
    std::map<std::string, int> times;
    const std::string sources[]{write_png(folder / "a.png", 40, 32, 3), write_jpeg(folder / "b.jpg", 48, 33, 5)};
    for (int i = 0; i < images; ++i) {
        const std::string path = directory + '/' + std::to_string(i) + (i % 2 == 0 ? ".png" : ".jpg");
        fs::create_hard_link(sources[i % 2], path);
        times[path] = 0;
    }
    const totals t = run_and_kill(directory, folder, images, workers, kills);
    CHECK(t.kills >= kills);
    std::size_t records = 0;
    for (int i = 0; i < workers; ++i) {
        const std::string text = read_file(folder / ("out-" + std::to_string(i) + ".jsonl"));
        CHECK(text.ends_with('\n'));
        for (const std::string& line : lines_of(text)) {
            const json r = parse_json(line);  // throws on an incomplete line
            CHECK(r.contains("top"));
            ++times[r["path"]];
            ++records;
        }
    }
    CHECK(records == static_cast<std::size_t>(images));
    CHECK(times.size() == static_cast<std::size_t>(images));
    int lost = 0, repeated = 0;
    for (const auto& [path, n] : times) {
        lost += n == 0 ? 1 : 0;
        repeated += n > 1 ? 1 : 0;
    }
    CHECK(lost == 0);
    CHECK(repeated == 0);
    std::printf("cluster: %d images, %d workers, %d kills, %d incomplete lines, %d processes: %d lost, %d repeated\n", images, workers,
                t.kills, t.torn, t.lives, lost, repeated);
}

}  // namespace

TEST_CASE("120 images, two workers killed 12 times") { killed(120, 2, 12); }

TEST_CASE("2,000 images, two workers killed 60 times", "[.long]") { killed(2000, 2, 60); }
