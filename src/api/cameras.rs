//! `parapet.v1.Cameras`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::convert;
use super::deps::CameraView;
use super::request::caller;
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
        request: Request<v1::ListCamerasRequest>,
    ) -> Result<Response<v1::ListCamerasResponse>, Status> {
        let caller = caller(&request)?;
        let mut cameras = self.view.cameras();
        cameras.retain(|camera| caller.may_see(&camera.camera));
        cameras.sort_by(|a, b| a.camera.cmp(&b.camera));
        let cameras = cameras.iter().map(convert::camera_to_wire).collect();
        Ok(Response::new(v1::ListCamerasResponse { cameras }))
    }

    async fn get_camera(
        &self,
        request: Request<v1::GetCameraRequest>,
    ) -> Result<Response<v1::GetCameraResponse>, Status> {
        let caller = caller(&request)?;
        let id = CameraId::new(&request.into_inner().id)
            .map_err(|error| Status::invalid_argument(format!("id: {error}")))?;
        let cameras = self.view.cameras();
        // Who may not see it learns no more than who asks for one that is not there.
        let found = cameras
            .iter()
            .find(|camera| camera.camera == id && caller.may_see(&id));
        let camera = found.ok_or_else(|| Status::not_found(format!("no camera `{id}` here")))?;
        let camera = Some(convert::camera_to_wire(camera));
        Ok(Response::new(v1::GetCameraResponse { camera }))
    }
}
