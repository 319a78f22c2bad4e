//! `parapet.v1.Cameras`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{CameraView, convert};
use crate::model::ids::CameraId;
use crate::proto::v1;
use crate::proto::v1::cameras_server::Cameras;

/// Answers from the daemon's own view.
pub(super) struct CamerasService {
    pub(super) view: Arc<dyn CameraView>,
}

#[tonic::async_trait]
impl Cameras for CamerasService {
    async fn list_cameras(
        &self,
        _request: Request<v1::ListCamerasRequest>,
    ) -> Result<Response<v1::ListCamerasResponse>, Status> {
        let mut cameras = self.view.cameras();
        cameras.sort_by(|a, b| a.camera.cmp(&b.camera));
        let cameras = cameras.iter().map(convert::camera_to_wire).collect();
        Ok(Response::new(v1::ListCamerasResponse { cameras }))
    }

    async fn get_camera(
        &self,
        request: Request<v1::GetCameraRequest>,
    ) -> Result<Response<v1::GetCameraResponse>, Status> {
        let id = CameraId::new(&request.into_inner().id)
            .map_err(|error| Status::invalid_argument(format!("id: {error}")))?;
        let cameras = self.view.cameras();
        let found = cameras.iter().find(|camera| camera.camera == id);
        let camera = found.ok_or_else(|| Status::not_found(format!("no camera `{id}` here")))?;
        let camera = Some(convert::camera_to_wire(camera));
        Ok(Response::new(v1::GetCameraResponse { camera }))
    }
}
