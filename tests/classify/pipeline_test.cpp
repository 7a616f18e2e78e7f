// pipeline: order, batches, exceptions and early ends, with runners that compute nothing.
#include "pipeline/pipeline.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <stdexcept>

#include "common/failure.hpp"

namespace {

using namespace std::chrono_literals;

/// `count` tasks named "0", "1", ...; waits before task `pause_at` until the sink has seen `pause_until` outcomes.
class numbers : public app::task_source {
public:
    explicit numbers(std::size_t count) : count_{count} {}
    std::optional<app::task> next() override {
        if (next_ == throw_at) throw app::failure{app::some_failed, "the source broke"};
        if (next_ == pause_at) {
            control->starved = true;
            while (*seen < pause_at && !control->cancelled) std::this_thread::sleep_for(1ms);
            control->starved = false;
        }
        if (next_ == count_) return std::nullopt;
        app::task t;
        t.image.path = std::to_string(next_++);
        if (bytes > 0) t.image.data.emplace(bytes);
        return t;
    }
    std::size_t throw_at = ~std::size_t{0}, pause_at = ~std::size_t{0}, bytes = 0;
    app::read_control* control = nullptr;
    const std::atomic<std::size_t>* seen = nullptr;

private:
    std::size_t count_, next_ = 0;
};

/// Answers each task with a record of its path, at most `at_once` tasks per call.
class echo : public app::task_runner {
public:
    std::vector<app::outcome> run(std::deque<app::task>& tasks, const std::atomic<bool>&) override {
        largest = std::max(largest, tasks.size());
        std::vector<app::outcome> outcomes;
        while (!tasks.empty() && outcomes.size() < at_once) {
            if (tasks.front().image.path == throw_at) throw std::runtime_error{"the runner broke"};
            if (delay > 0ms && std::stoul(tasks.front().image.path) % 3 == 0) std::this_thread::sleep_for(delay);
            app::outcome o;
            o.result.path = tasks.front().image.path;
            o.picture.resize(picture_bytes);
            outcomes.push_back(std::move(o));
            tasks.pop_front();
        }
        return outcomes;
    }
    std::size_t at_once = 1000, largest = 0, picture_bytes = 0;
    std::string throw_at;
    std::chrono::milliseconds delay = 0ms;
};

class collector : public app::outcome_sink {
public:
    bool take(app::outcome& o, std::optional<std::size_t> total) override {
        paths.push_back(o.result.path);
        last_total = total;
        ++seen;
        if (paths.size() == throw_at) throw app::failure{app::some_failed, "the disk is full"};
        return paths.size() < end_after;
    }
    std::vector<std::string> paths;
    std::optional<std::size_t> last_total;
    std::atomic<std::size_t> seen = 0;
    std::size_t end_after = ~std::size_t{0}, throw_at = ~std::size_t{0};
};

std::vector<std::string> first(std::size_t count) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(std::to_string(i));
    return out;
}

struct bench {
    explicit bench(std::size_t workers) {
        for (std::size_t i = 0; i < workers; ++i) {
            auto e = std::make_unique<echo>();
            echoes.push_back(e.get());
            runners.push_back(std::move(e));
        }
    }
    void run(numbers& source, std::size_t batch = 1, std::optional<std::size_t> total = std::nullopt) {
        source.control = &control;
        source.seen = &sink.seen;
        app::pipeline{std::move(runners), batch, control}.run(source, sink, total);
    }
    app::read_control control;
    std::vector<std::unique_ptr<app::task_runner>> runners;
    std::vector<echo*> echoes;
    collector sink;
};

}  // namespace

TEST_CASE("outcomes come in the order of the tasks, whatever the workers and batches", "[pipeline]") {
    for (const std::size_t workers : {1U, 2U, 5U})
        for (const std::size_t batch : {1U, 3U, 7U})
            for (const std::size_t count : {0U, 1U, 2U, 50U}) {
                CAPTURE(workers, batch, count);
                bench b{workers};
                for (echo* e : b.echoes) {
                    e->at_once = 2;  // a runner may leave tasks to a second call
                    if (workers > 1) e->delay = 1ms;
                }
                numbers source{count};
                b.run(source, batch, count);
                CHECK(b.sink.paths == first(count));
                if (count > 0) CHECK(b.sink.last_total == count);
            }
}

TEST_CASE("batches are full while the source does not wait", "[pipeline]") {
    bench b{1};
    numbers source{50};
    b.echoes[0]->at_once = 4;
    const echo& only = *b.echoes[0];
    std::size_t largest = 0;
    {
        app::pipeline line{std::move(b.runners), 4, b.control};
        line.run(source, b.sink, std::nullopt);
        largest = only.largest;
    }
    CHECK(largest == 4);
    CHECK(b.sink.paths == first(50));
}

TEST_CASE("while the source waits, tasks are answered although their batch is not full", "[pipeline]") {
    for (const std::size_t workers : {1U, 3U}) {
        CAPTURE(workers);
        bench b{workers};
        numbers source{9};
        source.pause_at = 5;  // continues after five outcomes
        b.run(source, 4);
        CHECK(b.sink.paths == first(9));
    }
}

TEST_CASE("the total becomes known when the source ends", "[pipeline]") {
    bench b{1};
    numbers source{3};
    source.pause_at = 3;
    b.run(source);
    CHECK_FALSE(b.sink.last_total);  // the source had not ended
    bench c{1};
    numbers all{3};
    c.run(all, 4);  // the batch is not full before the source ends
    CHECK(c.sink.last_total == 3U);
}

TEST_CASE("a sink can end the run, and the source with it", "[pipeline]") {
    for (const std::size_t workers : {1U, 4U}) {
        CAPTURE(workers);
        bench b{workers};
        b.sink.end_after = 10;
        numbers endless{~std::size_t{0} - 1};
        b.run(endless, 3);
        CHECK(b.sink.paths == first(10));
    }
}

TEST_CASE("exceptions are rethrown after the outcomes of the tasks before", "[pipeline]") {
    for (const std::size_t workers : {1U, 4U}) {
        CAPTURE(workers);
        SECTION("of the source, workers " + std::to_string(workers)) {
            bench b{workers};
            numbers source{50};
            source.throw_at = 20;
            CHECK_THROWS_AS(b.run(source, 3), app::failure);
            CHECK(b.sink.paths == first(20));
        }
        SECTION("of a runner, workers " + std::to_string(workers)) {
            bench b{workers};
            for (echo* e : b.echoes) e->throw_at = "20";
            numbers source{50};
            CHECK_THROWS_AS(b.run(source), std::runtime_error);
            CHECK(b.sink.paths == first(20));
        }
        SECTION("of the sink, workers " + std::to_string(workers)) {
            bench b{workers};
            b.sink.throw_at = 7;
            numbers endless{~std::size_t{0} - 1};
            CHECK_THROWS_AS(b.run(endless, 2), app::failure);
            CHECK(b.sink.paths == first(7));
        }
    }
}

TEST_CASE("an exception leaves run() after the last call of the source has returned", "[pipeline]") {
    struct : app::task_source {
        std::optional<app::task> next() override {
            if (calls++ == 0) return app::task{{"0", {}, {}}};
            inside = true;
            while (!control.cancelled) std::this_thread::sleep_for(1ms);
            std::this_thread::sleep_for(20ms);
            inside = false;
            return std::nullopt;
        }
        int calls = 0;
        app::read_control control;
        std::atomic<bool> inside = false;
    } source;
    struct failing_sink : app::outcome_sink {
        explicit failing_sink(const std::atomic<bool>& reading) : reading_{reading} {}
        bool take(app::outcome&, std::optional<std::size_t>) override {
            while (!reading_) std::this_thread::sleep_for(1ms);
            throw app::failure{app::some_failed, "the disk is full"};
        }

    private:
        const std::atomic<bool>& reading_;
    } sink{source.inside};
    for (const std::size_t workers : {1U, 3U}) {
        CAPTURE(workers);
        bench b{workers};
        source.calls = 0;
        source.control.cancelled = false;
        app::pipeline line{std::move(b.runners), 1, source.control};
        CHECK_THROWS_AS(line.run(source, sink, std::nullopt), app::failure);
        CHECK_FALSE(source.inside);
    }
}

TEST_CASE("the reader stays within the window and the byte limit", "[pipeline]") {
    bench b{2};
    for (echo* e : b.echoes) e->picture_bytes = app::max_bytes_in_flight / 3;
    numbers source{9};
    source.bytes = app::max_bytes_in_flight / 2 + 1;  // two tasks fill the queue, before a batch of four is full
    b.run(source, 4);
    CHECK(b.sink.paths == first(9));
    CHECK(b.control.in_flight == 0);
}
