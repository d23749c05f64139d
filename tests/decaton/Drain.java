import com.linecorp.decaton.processor.runtime.ProcessorSubscription;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Runs the tasks of a topic through Decaton, several times in one process so that the last time is compiled code, and prints
 * of the last time: tasks a second, and processor seconds per million of them. The clock starts with the first task.
 *
 * <p>Arguments: servers, topic, group, tasks, permits a partition, milliseconds a task, how often.
 */
final class Drain {
    private static final OperatingSystemMXBean SYSTEM =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final long tasks;
    private final long takes;
    private final AtomicBoolean begun = new AtomicBoolean();
    private final AtomicLong done = new AtomicLong();
    private final CountDownLatch all = new CountDownLatch(1);
    private volatile long begunAt;
    private volatile long begunUsed;

    private Drain(long tasks, long takes) {
        this.tasks = tasks;
        this.takes = takes;
    }

    public static void main(String[] args) throws Exception {
        int rounds = Integer.parseInt(args[6]);
        String figures = "";
        for (int round = 0; round < rounds; round++) {
            Drain drain = new Drain(Long.parseLong(args[3]), Long.parseLong(args[5]));
            figures = drain.run(args[0], args[1], args[2] + "-" + round, Integer.parseInt(args[4]));
        }
        System.out.println(figures);
    }

    private String run(String servers, String topic, String group, int permits) throws Exception {
        try (ProcessorSubscription subscription =
                Subscriptions.start(servers, topic, group, permits, (context, task) -> process())) {
            all.await();
            double seconds = (System.nanoTime() - begunAt) / 1e9;
            double used = (SYSTEM.getProcessCpuTime() - begunUsed) / 1e9;
            return tasks / seconds + " " + used * 1e6 / tasks;
        }
    }

    private void process() throws InterruptedException {
        if (!begun.get() && begun.compareAndSet(false, true)) {
            begunUsed = SYSTEM.getProcessCpuTime();
            begunAt = System.nanoTime();
        }
        if (takes > 0) {
            Thread.sleep(takes);
        }
        if (done.incrementAndGet() == tasks) {
            all.countDown();
        }
    }
}
