//! A running service: its tasks, and how they are told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use gateway_net::{Handler, Limits, Listener, ServerTls};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The tasks of one service. Dropping it ends them at once; [`Running::stop`] lets them finish.
#[derive(Debug)]
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Resolves when the service is to stop.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Running {
    /// Nothing runs yet.
    pub(crate) fn new() -> Self {
        Self {
            stop: watch::Sender::new(false),
            tasks: JoinSet::new(),
        }
    }

    /// A signal for a task.
    pub(crate) fn stop_signal(&self) -> Stop {
        Stop(self.stop.subscribe())
    }

    /// Adds a task; it ends by itself when its signal comes.
    pub(crate) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Binds a listener and serves it.
    pub(crate) async fn listen<H: Handler>(
        &mut self,
        address: SocketAddr,
        tls: Option<ServerTls>,
        limits: Limits,
        handler: H,
    ) -> Result<SocketAddr, gateway_net::Error> {
        let listener = Listener::bind(address, tls, limits).await?;
        let bound = listener.local_addr();
        let stop = self.stop_signal();
        self.spawn(async move {
            if let Err(error) = listener.serve(Arc::new(handler), stop.wait()).await {
                tracing::error!(%bound, "listener ended: {error}");
            }
        });
        Ok(bound)
    }

    /// Tells all tasks to stop and waits for them.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }

    /// Waits until the process is asked to end, then stops.
    pub(crate) async fn until_asked(self) -> std::io::Result<()> {
        asked_to_end().await?;
        self.stop().await;
        Ok(())
    }
}

impl Stop {
    /// Resolves when the service is to stop.
    pub(crate) async fn wait(mut self) {
        let _gone = self.0.wait_for(|stop| *stop).await;
    }

    /// Sleeps; `false` when the service is to stop.
    pub(crate) async fn sleep(&mut self, time: std::time::Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(time) => true,
            _ = self.0.wait_for(|stop| *stop) => false,
        }
    }
}

/// Resolves on Ctrl-C or SIGTERM.
pub(crate) async fn asked_to_end() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}
